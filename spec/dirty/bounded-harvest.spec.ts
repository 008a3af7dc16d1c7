import { expect } from 'chai';
import { CODE, DirtyMemory, MIGRATION, type PageSet, VGA } from '../../lib/index.js';
import { describeEngines } from '../support/engines.js';

const PAGE = 4096;

function pagesOf(set: PageSet): number[] {
  const pages: number[] = [];
  for (const { start, length } of set.runs()) {
    for (let page = start / PAGE; page < (start + length) / PAGE; page++) pages.push(page);
  }
  return pages;
}

describeEngines('a bounded harvest', (shared) => {
  let memory: DirtyMemory;

  beforeEach(() => {
    memory = DirtyMemory.create({ pagesPerBlock: 64, maxRamBytes: 4096 * PAGE, shared });
    memory.ram.plug({ id: 'low', size: 100 * PAGE });
    memory.ram.plug({ id: 'high', size: 70 * PAGE, offset: 300 * PAGE });
  });
  afterEach(() => memory.close());

  for (const maxPages of [1, 7, 64, 65, 1000]) {
    it(`takes ${maxPages} pages at most, goes on where it stopped, and has them all once around`, async () => {
      const all = memory.createPageSet();
      const sizes: number[] = [];
      for (;;) {
        const before = all.pages;
        const { added } = await memory.harvest(CODE, { maxPages, into: all });
        if (added === 0) break;
        expect(all.pages - before).to.equal(added);
        sizes.push(added);
      }
      expect(Math.max(...sizes)).to.equal(Math.min(maxPages, 170));
      expect(sizes.length).to.equal(Math.ceil(170 / maxPages));
      expect(pagesOf(all)).to.deep.equal([...Array(100).keys(), ...[...Array(70).keys()].map((i) => 300 + i)]);
      expect(memory.isDirty(0, memory.ram.end, CODE)).to.equal(false);
    });
  }

  it('does not starve high pages while low ones turn dirty again', async () => {
    (await memory.harvest(VGA)).set.dispose(); // from here on nothing is dirty for being new to it
    for (const { offset, size } of memory.ram) memory.setDirtyRange(offset, size, VGA);
    const seen = new Set<number>();
    for (let round = 0; round < 40; round++) {
      const { set } = await memory.harvest(VGA, { maxPages: 10 });
      for (const page of pagesOf(set)) seen.add(page);
      set.dispose();
      memory.setDirtyRange(0, 50 * PAGE, VGA);
    }
    expect(seen.size).to.equal(170);
  });

  it('takes so many of a longer run, and then goes once around from there, to the first page of RAM', async () => {
    (await memory.harvest(VGA)).set.dispose();
    memory.setDirtyRange(10 * PAGE, 50 * PAGE, VGA);
    const next = async (maxPages: number): Promise<number[]> => pagesOf((await memory.harvest(VGA, { maxPages })).set);
    expect(await next(20)).to.deep.equal([...Array(20).keys()].map((i) => 10 + i));
    memory.setDirty(0, VGA);
    expect(await next(31), 'the rest, and one more').to.deep.equal([0, ...[...Array(30).keys()].map((i) => 30 + i)]);
  });

  it('does not starve high pages that another user has collected, while that user collects low ones again', async () => {
    const slow = await memory.track(VGA, { name: 'slow' });
    (await slow.harvest()).set.dispose();
    for (const { offset, size } of memory.ram) memory.setDirtyRange(offset, size, VGA);
    const seen = new Set<number>();
    for (let round = 0; round < 40; round++) {
      (await memory.harvest(VGA)).set.dispose();
      const { set } = await slow.harvest({ maxPages: 10 });
      for (const page of pagesOf(set)) seen.add(page);
      set.dispose();
      memory.setDirtyRange(0, 50 * PAGE, VGA);
    }
    expect(seen.size).to.equal(170);
  });

  it('puts its bits back when it is given up', async () => {
    const before = memory.allDirty(0, 100 * PAGE, MIGRATION);
    const gaveUp = new AbortController();
    gaveUp.abort(new Error('enough'));
    await memory.harvest(MIGRATION, { maxPages: 5, signal: gaveUp.signal }).then(
      () => expect.fail('it was not given up'),
      (error: Error) => expect(error.message).to.equal('enough'),
    );
    expect(memory.allDirty(0, 100 * PAGE, MIGRATION)).to.equal(before);
  });

  it('refuses a bound that is none', async () => {
    for (const maxPages of [0, -1, 1.5, Number.NaN, 2 ** 33]) {
      await memory.harvest(CODE, { maxPages }).then(
        () => expect.fail(`${maxPages} was accepted`),
        (error: Error) => {
          expect(error).to.be.instanceOf(RangeError);
          expect(error.message).to.include('maxPages').and.to.include(String(maxPages));
        },
      );
    }
  });
});
