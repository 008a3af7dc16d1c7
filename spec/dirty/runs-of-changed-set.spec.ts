import { expect } from 'chai';
import type { PageSetStore } from '../../lib/dirty/page-set-store.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { type DirtyMemory, type PageSet, UsageError } from '../../lib/index.js';
import { PAGE, range, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

const BITS = 64; // a bitmap block
const everySecond = range(0, BITS / 2).map((n) => 2 * n);

describe('the runs of a page set, of which the next ones were looked up before the set changed,', () => {
  let memory: DirtyMemory;
  let store: PageSetStore;
  let set: PageSet;

  beforeEach(() => {
    memory = smallEngine();
    store = engineOf(memory).store;
    set = memory.createPageSet();
    set.adopt(0, blockWith(everySecond));
    set.add(BITS * PAGE, PAGE);
  });
  afterEach(() => memory.close());

  function blockWith(pages: readonly number[]): number {
    const block = store.allocator.allocateBlock('a spec');
    for (const page of pages) store.kernel.setOwned(block, page, page + 1);
    return block;
  }

  function setWith(page: number): PageSet {
    const other = memory.createPageSet();
    other.add(page * PAGE, PAGE);
    return other;
  }

  const gains = { start: 4 * PAGE, length: 3 * PAGE };
  const loses = { start: 6 * PAGE, length: PAGE };
  const changes: { [title: string]: [change: () => unknown, next: { start: number; length: number }] } = {
    'a page was added': [() => set.add(5 * PAGE, PAGE), gains],
    'a page was deleted': [() => set.delete(4 * PAGE, PAGE), loses],
    'another set was added': [() => set.union(setWith(5)), gains],
    'another set was absorbed': [() => set.absorb(setWith(5)), gains],
    'the pages of a block were added and counted': [() => set.addBlockAndCount(0, blockWith([5])), gains],
    'two blocks were added': [() => set.absorbBlock(0, blockWith([5]), blockWith([5])), gains],
    'the pages of another set were removed': [() => set.removeAll(setWith(4)), loses],
    'their block was given away': [() => set.release(0), { start: BITS * PAGE, length: PAGE }],
  };

  /** @param before comes before the change, in the same step of the walk */
  function nextAfter(change: () => unknown, before: () => unknown): unknown {
    const walk = set.runs();
    expect([walk.next().value?.start, walk.next().value?.start]).to.deep.equal([0, 2 * PAGE]);
    before();
    change();
    return walk.next().value;
  }
  const deleteNothing = (): unknown => set.delete(63 * PAGE, PAGE);

  for (const [title, [change, next]] of Object.entries(changes)) {
    it(`are looked up anew when ${title}`, () => expect(nextAfter(change, () => {})).to.deep.equal(next));
    it(`are looked up anew when ${title} as the second change of two`, () =>
      expect(nextAfter(change, deleteNothing)).to.deep.equal(next));
  }

  for (const [changes, before] of Object.entries({ one: () => {}, two: deleteNothing })) {
    it(`are looked up anew when live bits were taken, by ${changes} in all`, () => {
      expect(set.pages, 'counted, as it is before live bits are taken').to.equal(BITS / 2 + 1);
      expect(nextAfter(() => set.takeLive(blockWith([5]), 0, 0, BITS), before)).to.deep.equal(gains);
    });

    it(`throw when the set was disposed of, by ${changes} in all`, () => {
      expectThrow(() => nextAfter(() => set.dispose(), before), UsageError, 'runs: ', 'disposed');
    });
  }
});
