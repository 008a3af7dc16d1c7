import { inspect } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { engineOf } from '../../lib/dirty-memory.js';
import { ArenaFullError, type DirtyMemory, type PageSet, UsageError, VGA } from '../../lib/index.js';
import { cleanAll, describeEngines, PAGE, pagesOf, range, SWAP_ALL, smallEngine } from '../support/engines.js';
import { runsOf } from '../support/memory-model.js';
import { expectThrow } from '../support/refusals.js';

/** A set with these pages, of an engine with 64 pages a bitmap block. */
function setWith(memory: DirtyMemory, pages: readonly number[]): PageSet {
  for (const page of pages) memory.setDirty(page * PAGE, VGA);
  return memory.whileStopped.harvest(VGA).set;
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
    memory.setDirty(3 * PAGE, VGA);
    memory.whileStopped.harvest(VGA, { into: set });
    expect(pagesOf(set)).to.deep.equal([3, 900]);
  });

  it('counts each page once that a harvest adds to a snapshot whose bitmap blocks were swapped out', async () => {
    const swapping = smallEngine({}, SWAP_ALL);
    swapping.ram.plug({ id: 'ram', size: 1024 * PAGE });
    const set = await swapping.snapshotAndClear(0, 1024 * PAGE, VGA);
    expect(set.delete(0, 10 * PAGE)).to.equal(10);
    swapping.setDirtyRange(0, 20 * PAGE, VGA);
    const { added } = await swapping.harvest(VGA, { into: set });
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

  it('takes in ranges of bytes and other sets, and counts what is new, as a set of numbers does', () => {
    const bytes = fc.record({ start: fc.nat(1024 * PAGE), length: fc.oneof(fc.nat(3), fc.nat(200 * PAGE)) });
    const some = fc.uniqueArray(fc.nat(1023), { maxLength: 40 });
    fc.assert(
      fc.property(some, fc.array(fc.oneof(bytes, some), { maxLength: 8 }), (first, changes) => {
        const set = setWith(memory, first);
        const model = new Set(first);
        for (const change of changes) {
          const before = model.size;
          if (Array.isArray(change)) {
            const other = setWith(memory, change);
            for (const page of change) model.add(page);
            expect(set.union(other)).to.equal(model.size - before);
            expect(pagesOf(other), 'which keeps them').to.have.members(change);
            expect(other.pages).to.equal(change.length);
            other.dispose();
          } else {
            const { start, length } = change;
            const end = length === 0 ? 0 : Math.floor((start + length - 1) / PAGE) + 1;
            for (let page = Math.floor(start / PAGE); page < end; page++) model.add(page);
            expect(set.add(start, length)).to.equal(model.size - before);
          }
          expect(set.pages).to.equal(model.size);
          expect([...set.runs()]).to.deep.equal(runsOf(model, PAGE));
        }
        set.dispose();
      }),
      { numRuns: 200 },
    );
  });

  it('takes in what a swap gave, and what nobody has counted yet', async () => {
    const swapping = smallEngine({}, SWAP_ALL);
    swapping.ram.plug({ id: 'ram', size: 128 * PAGE });
    const { set } = await swapping.harvest(VGA);
    const other = swapping.createPageSet();
    expect(other.add(60 * PAGE, 10 * PAGE)).to.equal(10);
    expect(other.union(set)).to.equal(118);
    expect(set.add(127 * PAGE, 2 * PAGE)).to.equal(1);
    expect([other.pages, set.pages]).to.deep.equal([128, 129]);
    await swapping.close();
  });

  it('takes in itself, which changes nothing', () => {
    const set = setWith(memory, [5, 70]);
    expect([set.union(set), set.pages]).to.deep.equal([0, 2]);
  });

  it('takes in no set of another engine, and none that was disposed of', async () => {
    const set = setWith(memory, [5]);
    const other = smallEngine();
    expectThrow(() => set.union(other.createPageSet()), TypeError, 'union: ', 'other', 'of this engine');
    expectThrow(() => set.union({} as PageSet), TypeError, 'union: ', 'other');
    const gone = setWith(memory, [6]);
    gone.dispose();
    expectThrow(() => set.union(gone), UsageError, 'union: ', 'disposed');
    expectThrow(() => gone.union(set), UsageError, 'union: ', 'disposed');
    expectThrow(() => gone.add(0, 1), UsageError, 'add: ', 'disposed');
    expect(pagesOf(set)).to.deep.equal([5]);
    await other.close();
  });

  it('is as it was when the arena has no room for what it is to take in', async () => {
    const full = smallEngine({ arenaBytes: 2 ** 13 });
    const set = full.createPageSet();
    expect(set.add(65 * PAGE, PAGE)).to.equal(1);
    const before = full.stats().arenaBytesInUse;
    expectThrow(() => set.add(0, 2 ** 40), ArenaFullError, 'add: ');
    expect([full.stats().arenaBytesInUse, set.pages]).to.deep.equal([before, 1]);
    expect(pagesOf(set)).to.deep.equal([65]);
    const other = full.createPageSet();
    for (let block = 0; ; block++) {
      try {
        other.add(block * 64 * PAGE, 1);
      } catch (error) {
        expect(error).to.be.instanceOf(ArenaFullError);
        break;
      }
    }
    other.delete(0, 64 * PAGE);
    const held = full.stats().arenaBytesInUse;
    expectThrow(() => set.union(other), ArenaFullError, 'union: ');
    expect([full.stats().arenaBytesInUse, pagesOf(set)]).to.deep.equal([held, [65]]);
    await full.close();
  });

  it('is iterated by its runs, and ends as a resource does', () => {
    const before = memory.stats().arenaBytesInUse;
    const set = setWith(memory, [5, 6, 70]);
    expect([...set]).to.deep.equal([...set.runs()]);
    set[Symbol.dispose]();
    expect([set.disposed, memory.stats().arenaBytesInUse]).to.deep.equal([true, before]);
  });

  it('gives the runs within a RAM block, cut at its ends, with their places in it', () => {
    const ends = fc.oneof(fc.nat(1024), fc.constantFrom(0, 63, 64, 65, 128, 1024));
    const pages = fc.array(fc.tuple(fc.nat(1000), fc.nat(200)), { maxLength: 6 });
    fc.assert(
      fc.property(pages, ends, ends, fc.option(fc.nat(1023), { nil: undefined }), (stretches, one, other, deleted) => {
        const set = memory.createPageSet();
        const model = new Set<number>();
        for (const [first, count] of stretches) {
          set.add(first * PAGE, count * PAGE);
          for (const page of range(first, first + count)) model.add(page);
        }
        const [first, end] = [Math.min(one, other), Math.max(one, other)];
        const block = { offset: first * PAGE, size: (end - first) * PAGE };
        const walk = set.runs({ block });
        const expected = (from: number) =>
          runsOf(
            [...model].filter((page) => page >= from && page < end),
            PAGE,
          ).map((run) => ({
            ...run,
            offset: run.start - block.offset,
          }));
        const given = [];
        if (deleted !== undefined) {
          const { value } = walk.next();
          expect(value).to.deep.equal(expected(first)[0]);
          const reached = value === undefined ? end : (value.start + value.length) / PAGE;
          set.delete(deleted * PAGE, PAGE);
          model.delete(deleted);
          given.push(...expected(reached));
        } else given.push(...expected(first));
        expect([...walk]).to.deep.equal(given);
        set.dispose();
      }),
      { numRuns: 300 },
    );
  });

  it('gives the runs of RAM that begins and ends within bitmap blocks', async () => {
    await memory.ram.unplug(memory.ram.find(0)!);
    const low = memory.ram.plug({ id: 'low', size: 100 * PAGE, offset: 10 * PAGE });
    const high = memory.ram.plug({ id: 'high', size: 100 * PAGE, offset: 110 * PAGE });
    const { set } = memory.whileStopped.harvest(VGA);
    expect([...set.runs({ block: low })]).to.deep.equal([{ start: 10 * PAGE, length: 100 * PAGE, offset: 0 }]);
    expect([...set.runs({ block: high })]).to.deep.equal([{ start: 110 * PAGE, length: 100 * PAGE, offset: 0 }]);
    expect([...set.runs({})]).to.deep.equal([{ start: 10 * PAGE, length: 200 * PAGE }]);
    expectThrow(() => set.runs({ block: null as never }), TypeError, 'runs: ', 'block', 'null');
    expectThrow(() => set.runs({ block: { offset: 1, size: PAGE } }), RangeError, 'block.offset', 1, PAGE);
    expectThrow(() => set.runs({ block: { offset: 0, size: 1 } }), RangeError, 'block.size', 1, PAGE);
    expectThrow(() => set.runs({ blok: low } as never), TypeError, 'runs: ', "did you mean 'block'");
    expectThrow(() => set.runs(low as never), TypeError, 'runs: ', 'pass runs({ block }) instead of runs(block)');
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
    expectThrow(() => set.has(0, PAGE), UsageError, 'has: ', 'disposed');
    expectThrow(() => set.delete(0, PAGE), UsageError, 'delete: ', 'disposed');
    expectThrow(() => [...set.runs()], UsageError, 'runs: ', 'disposed');
    expectThrow(() => walking.next(), UsageError, 'runs: ', 'disposed');
    expectThrow(() => memory.whileStopped.harvest(VGA, { into: set }), UsageError, 'into', 'disposed');
  });

  it('throws when it is disposed of while its runs are walked', () => {
    const walking = setWith(memory, [5, 900]);
    const runs = walking.runs();
    runs.next();
    walking.dispose();
    expectThrow(() => runs.next(), UsageError, 'runs: ', 'disposed');
  });

  it('merged into another leaves nothing allocated but the other', () => {
    const into = setWith(memory, [5, 70]);
    const held = memory.stats().arenaBytesInUse;
    for (const page of [5, 6, 64]) memory.setDirty(page * PAGE, VGA);
    expect(memory.whileStopped.harvest(VGA, { into })).to.deep.equal({ set: into, added: 2 });
    expect(memory.stats().arenaBytesInUse).to.equal(held);
    memory.setDirty(900 * PAGE, VGA);
    expect(memory.whileStopped.harvest(VGA, { into }).added).to.equal(1);
    expect(pagesOf(into)).to.deep.equal([5, 6, 64, 70, 900]);
  });

  it('absorbed by another leaves its blocks free, those that were merged word by word zeroed already', async () => {
    const lazy = smallEngine({ debug: false });
    const { allocator } = engineOf(lazy);
    const adopted = lazy.createPageSet();
    adopted.adopt(0, allocator.allocateBlock('a spec'));
    adopted.add(64 * PAGE, 2 * 64 * PAGE);
    const set = lazy.createPageSet();
    set.add(0, 3 * 64 * PAGE);
    expect(set.absorb(adopted)).to.equal(0);
    const { freeBlocks, zeroedBlocks } = allocator.stats();
    expect({ freeBlocks, zeroedBlocks }, 'an adopted block is dense').to.deep.equal({ freeBlocks: 3, zeroedBlocks: 2 });
    await lazy.close();
  });

  it('that a grace period will end is named where there is no room; it may have been disposed of before', () => {
    const set = setWith(memory, [5, 70]);
    const gone = memory.createPageSet();
    gone.dispose();
    gone.awaitPeriod();
    const { blockWords } = engineOf(memory).allocator;
    const fill = (): void => void memory.createPageSet().add(0, 2 ** 40);
    expect(fill).to.throw(ArenaFullError).that.has.property('message').that.does.not.contain('grace period');
    set.awaitPeriod();
    expectThrow(fill, ArenaFullError, `, of which ${2 * 4 * blockWords} are free after a grace period`);
  });

  it('is shown by its pages while it can be used', async () => {
    const wasm = new WebAssembly.Memory({ initial: 4, maximum: 5 });
    const embedded = smallEngine({ memory: wasm, shared: false }).createPageSet();
    wasm.grow(1);
    expectThrow(() => embedded.has(0, PAGE), UsageError, 'has: ', 'grown');
    const set = setWith(memory, [5, 70]);
    expect(inspect(set)).to.equal('PageSet { pages: 2 }');
    const gone = memory.createPageSet();
    gone.dispose();
    expect(inspect(gone)).to.equal('PageSet { disposed: true }');
    await memory.close();
    for (const unusable of [set, embedded]) expect(inspect(unusable)).to.equal('PageSet { disposed: false }');
  });

  it('stays as it was when RAM goes away', async () => {
    const set = setWith(memory, [5, 70]);
    await memory.ram.unplug(memory.ram.find(0)!);
    expect(pagesOf(set)).to.deep.equal([5, 70]);
  });

  it('throws once its engine is closed, whose memory may be used for something else; disposing of it is allowed', async () => {
    const set = setWith(memory, [5, 70]);
    await memory.close();
    expectThrow(() => set.has(0, PAGE), UsageError, 'has: ', 'closed');
    expectThrow(() => set.delete(0, PAGE), UsageError, 'delete: ', 'closed');
    expectThrow(() => [...set.runs()], UsageError, 'runs: ', 'closed');
    set.dispose();
  });
});
