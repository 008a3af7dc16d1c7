import { expect } from 'chai';
import fc from 'fast-check';
import { Client, type DirtyMemory, type PageSet, UsageError } from '../../lib/index.js';
import { cleanAll, describeEngines, PAGE, pagesOf, range, SWAP_ALL, smallEngine } from '../support/engines.js';
import { runsOf } from '../support/memory-model.js';
import { expectThrow } from '../support/refusals.js';

/** A set with these pages, of an engine with 64 pages a bitmap block. */
function setWith(memory: DirtyMemory, pages: readonly number[]): PageSet {
  for (const page of pages) memory.setDirty(page * PAGE, Client.Vga);
  return memory.harvestUnsynchronized(Client.Vga).set;
}

describeEngines('a page set', () => {
  let memory: DirtyMemory;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 1024 * PAGE });
    cleanAll(memory);
  });

  it('is empty at first', () => {
    const set = memory.createPageSet();
    expect(set.pages).to.equal(0);
    expect([...set.runs()]).to.deep.equal([]);
    expect(set.has(0, 1024 * PAGE)).to.equal(false);
    expect(set.delete(0, 1024 * PAGE)).to.equal(0);
  });

  it('gives its pages as runs, ascending, merged across words and bitmap blocks', () => {
    const set = setWith(memory, [...range(200, 330), 400, 60, 61, 62, 63, 64, 1023]);
    expect([...set.runs()]).to.deep.equal([
      { start: 60 * PAGE, length: 5 * PAGE },
      { start: 200 * PAGE, length: 130 * PAGE },
      { start: 400 * PAGE, length: PAGE },
      { start: 1023 * PAGE, length: PAGE },
    ]);
  });

  it('gives ascending runs though its highest pages came first', () => {
    const set = setWith(memory, [900]);
    memory.setDirty(3 * PAGE, Client.Vga);
    memory.harvestUnsynchronized(Client.Vga, { into: set });
    expect(pagesOf(set)).to.deep.equal([3, 900]);
  });

  it('counts each page once that a harvest adds to a snapshot whose bitmap blocks were swapped out', async () => {
    const swapping = smallEngine({}, SWAP_ALL);
    swapping.ram.plug({ id: 'ram', size: 1024 * PAGE });
    const set = await swapping.snapshotAndClear(0, 1024 * PAGE, Client.Vga);
    expect(set.delete(0, 10 * PAGE)).to.equal(10);
    swapping.setDirtyRange(0, 20 * PAGE, 1 << Client.Vga);
    const { added } = await swapping.harvest(Client.Vga, { into: set });
    expect([added, set.pages]).to.deep.equal([10, 1024]);
    expect(pagesOf(set)).to.deep.equal(range(0, 1024));
    set.dispose();
    await swapping.close();
  });

  it('has, counts, deletes and lists what a set of numbers does', () => {
    const bytes = fc.record({ start: fc.nat(1024 * PAGE), length: fc.oneof(fc.nat(3), fc.nat(200 * PAGE)) });
    const pages = fc.uniqueArray(fc.oneof(fc.nat(1023), fc.integer({ min: 60, max: 70 })), { maxLength: 60 });
    fc.assert(
      fc.property(pages, fc.array(bytes, { maxLength: 8 }), (first, changes) => {
        const set = setWith(memory, first);
        const model = new Set(first);
        for (const { start, length } of changes) {
          const end = length === 0 ? 0 : Math.floor((start + length - 1) / PAGE) + 1;
          const touched = [...model].filter((page) => page >= Math.floor(start / PAGE) && page < end);
          expect(set.has(start, length)).to.equal(touched.length > 0);
          expect(set.delete(start, length)).to.equal(touched.length);
          for (const page of touched) model.delete(page);
          expect(set.has(start, length)).to.equal(false);
          expect(set.pages).to.equal(model.size);
          expect([...set.runs()]).to.deep.equal(runsOf(model, PAGE));
        }
        set.dispose();
      }),
      { numRuns: 200 },
    );
  });

  it('lets pages be deleted while its runs are walked, and does not come to what is gone', () => {
    const set = setWith(memory, [1, 2, 3, 10, 11, 500, 900]);
    const seen: number[] = [];
    for (const { start, length } of set.runs()) {
      seen.push(start / PAGE);
      set.delete(start, length);
      set.delete(900 * PAGE, PAGE);
    }
    expect(seen).to.deep.equal([1, 10, 500]);
    expect(set.pages).to.equal(0);
  });

  it('answers for all addresses there can be, in the time of the pages it has', () => {
    const set = setWith(memory, [5, 1023]);
    expect(set.has(1024 * PAGE, Number.MAX_SAFE_INTEGER - 1024 * PAGE)).to.equal(false);
    expect(set.has(0, Number.MAX_SAFE_INTEGER)).to.equal(true);
    expect(set.delete(6 * PAGE, Number.MAX_SAFE_INTEGER - 6 * PAGE)).to.equal(1);
    expect(pagesOf(set)).to.deep.equal([5]);
  });

  it('gives its memory back when it is disposed of, once', () => {
    const before = memory.stats().arenaBytesInUse;
    const set = setWith(memory, [5, 70, 1023]);
    expect(memory.stats().arenaBytesInUse).to.be.above(before);
    set.dispose();
    set.dispose();
    expect(memory.stats().arenaBytesInUse).to.equal(before);
  });

  it('throws at every use after it was disposed of', () => {
    const set = setWith(memory, [5]);
    const walking = set.runs();
    set.dispose();
    expectThrow(() => set.pages, UsageError, 'pages', 'disposed');
    expectThrow(() => set.has(0, PAGE), UsageError, 'PageSet.has', 'disposed');
    expectThrow(() => set.delete(0, PAGE), UsageError, 'PageSet.delete', 'disposed');
    expectThrow(() => [...set.runs()], UsageError, 'PageSet.runs', 'disposed');
    expectThrow(() => walking.next(), UsageError, 'PageSet.runs', 'disposed');
    expectThrow(() => memory.harvestUnsynchronized(Client.Vga, { into: set }), UsageError, 'into', 'disposed');
  });

  it('throws when it is disposed of while its runs are walked', () => {
    const walking = setWith(memory, [5, 900]);
    const runs = walking.runs();
    runs.next();
    walking.dispose();
    expectThrow(() => runs.next(), UsageError, 'PageSet.runs', 'disposed');
  });

  it('merged into another leaves nothing allocated but the other', () => {
    const into = setWith(memory, [5, 70]);
    const held = memory.stats().arenaBytesInUse;
    for (const page of [5, 6, 64]) memory.setDirty(page * PAGE, Client.Vga);
    expect(memory.harvestUnsynchronized(Client.Vga, { into })).to.deep.equal({ set: into, added: 2 });
    expect(memory.stats().arenaBytesInUse).to.equal(held);
    memory.setDirty(900 * PAGE, Client.Vga);
    expect(memory.harvestUnsynchronized(Client.Vga, { into }).added).to.equal(1);
    expect(pagesOf(into)).to.deep.equal([5, 6, 64, 70, 900]);
  });

  it('stays as it was when RAM goes away', async () => {
    const set = setWith(memory, [5, 70]);
    await memory.ram.unplug(memory.ram.find(0)!);
    expect(pagesOf(set)).to.deep.equal([5, 70]);
  });

  it('throws once its engine is closed, whose memory may be used for something else; disposing of it is allowed', async () => {
    const set = setWith(memory, [5, 70]);
    await memory.close();
    expectThrow(() => set.has(0, PAGE), UsageError, 'PageSet.has', 'closed');
    expectThrow(() => set.delete(0, PAGE), UsageError, 'PageSet.delete', 'closed');
    expectThrow(() => [...set.runs()], UsageError, 'PageSet.runs', 'closed');
    set.dispose();
  });
});
