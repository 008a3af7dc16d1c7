import { expect } from 'chai';
import fc from 'fast-check';
import { PageRanges } from '../../lib/dirty/page-ranges.js';
import type { PageSetStore } from '../../lib/dirty/page-set-store.js';
import { engineOf } from '../../lib/dirty-memory.js';
import type { DirtyMemory, PageSet } from '../../lib/index.js';
import { PAGE, pagesOf, range, smallEngine } from '../support/engines.js';

const BITS = 64; // a bitmap block
const PAGES = 5 * BITS;

/** Stretches of pages at any places, and whole blocks. */
const anyPages = fc
  .array(
    fc.oneof(
      fc.tuple(fc.nat(PAGES), fc.nat(3)),
      fc.tuple(fc.nat(PAGES), fc.nat(100)),
      fc.nat(PAGES / BITS - 1).map((number): [number, number] => [number * BITS, BITS]),
    ),
    { maxLength: 5 },
  )
  .map((stretches) => [
    ...new Set(stretches.flatMap(([first, count]) => range(first, Math.min(first + count, PAGES)))),
  ]);

const anyRange = fc
  .tuple(fc.oneof(fc.nat(PAGES), fc.constantFrom(0, BITS, 3 * BITS)), fc.oneof(fc.nat(PAGES), fc.constant(2 * BITS)))
  .map(([first, count]) => ({ first, end: first + count }));

/** What a step works with; few kinds of steps need all of it. */
const anyStep = fc.record({
  kind: fc.constantFrom(
    ...(['count', 'add', 'remove', 'union', 'addWanted', 'reserve', 'takeLive', 'addBlock', 'adopt'] as const),
    ...(['absorb', 'absorbBlock', 'release', 'removeAll', 'keepOnly', 'clip', 'returnLive'] as const),
  ),
  number: fc.nat(PAGES / BITS - 1),
  pages: anyPages,
  others: anyPages,
  range: anyRange,
});
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** A page set, what must be in it, and the means to do to it what collections do. */
class Modelled {
  readonly set: PageSet;
  private readonly model = new Set<number>();
  private readonly memory: DirtyMemory;
  private readonly store: PageSetStore;

  constructor(memory: DirtyMemory) {
    this.memory = memory;
    this.set = memory.createPageSet();
    this.store = engineOf(memory).store;
  }

  readonly steps: { readonly [K in Step['kind']]: (step: Step) => void } = {
    count: () => this.count(),
    add: ({ range: { first, end } }) => {
      expect(this.set.add(first * PAGE, (end - first) * PAGE)).to.equal(this.grow(range(first, end)));
    },
    remove: ({ range: bounds }) => {
      expect(this.set.remove(bounds)).to.equal(this.keep((page) => page < bounds.first || page >= bounds.end));
    },
    union: ({ pages }) => {
      const other = this.setOf(pages);
      expect(this.set.union(other)).to.equal(this.grow(pages));
      expect(pagesOf(other)).to.have.members(pages);
      other.dispose();
    },
    addWanted: ({ pages, number }) => {
      const other = this.setOf(pages);
      const added = this.set.addAll(other, (block) => block !== number);
      expect(added).to.equal(this.grow(pages.filter((page) => Math.floor(page / BITS) !== number)));
      other.dispose();
    },
    reserve: ({ range: bounds }) => {
      const before = this.set.numbers;
      const giveBack = this.set.reserve(this.set.numbersIn(bounds));
      for (const page of range(bounds.first, bounds.end)) {
        expect(this.set.hasBlock(Math.floor(page / BITS))).to.equal(true);
      }
      giveBack();
      expect([...this.set.numbers]).to.deep.equal([...before]);
    },
    takeLive: ({ number, pages, range: { first, end } }) => {
      if (this.set.adopted.has(number)) return;
      const [from, to] = [Math.min(first, BITS), Math.min(end, BITS)];
      const live = this.blockOf(number, pages);
      const moved = within(number, pages).filter((bit) => bit >= from && bit < to);
      const had = this.set.hasBlock(number);
      const added = this.set.takeLive(live, number, from, to);
      expect(added).to.equal(this.grow(moved.map((bit) => number * BITS + bit)));
      expect(this.set.hasBlock(number), 'nothing takes no memory').to.equal(had || moved.length > 0);
      expect(this.bitsOf(live)).to.deep.equal(within(number, pages).filter((bit) => !moved.includes(bit)));
      this.store.allocator.freeBlock(live);
    },
    addBlock: ({ number, pages }) => {
      const block = this.blockOf(number, pages);
      const uncounted = this.set.adopted.has(number) ? this.pagesIn(number) : 0;
      const added = this.set.addBlockAndCount(number, block);
      expect(added).to.equal(uncounted + this.grow(pages.filter((page) => Math.floor(page / BITS) === number)));
      expect(this.bitsOf(block)).to.deep.equal(within(number, pages));
      this.store.allocator.freeBlock(block);
    },
    adopt: ({ number, pages }) => {
      if (this.set.hasBlock(number)) return;
      this.set.adopt(number, this.blockOf(number, pages));
      this.grow(pages.filter((page) => Math.floor(page / BITS) === number));
    },
    absorb: ({ number, pages, others }) => {
      const other = this.setOf(pages);
      if (!other.hasBlock(number)) other.adopt(number, this.blockOf(number, others));
      const taken = pagesOf(other);
      expect(this.set.absorb(other)).to.equal(this.grow(taken));
      expect(other.disposed).to.equal(true);
    },
    absorbBlock: ({ number, pages, others }) => {
      if (!this.set.hasBlock(number)) return;
      const [block, kept] = [this.blockOf(number, pages), this.blockOf(number, others)];
      const both = [...pages, ...others].filter((page) => Math.floor(page / BITS) === number);
      expect(this.set.absorbBlock(number, block, kept)).to.equal(this.grow(both));
      expect(this.bitsOf(kept), 'which keeps them').to.deep.equal(within(number, others));
      this.store.allocator.freeBlock(kept);
    },
    release: ({ number }) => {
      if (!this.set.adopted.has(number)) return;
      const block = this.set.release(number);
      expect(this.bitsOf(block)).to.deep.equal(within(number, [...this.model]));
      expect(this.set.hasBlock(number)).to.equal(false);
      this.keep((page) => Math.floor(page / BITS) !== number);
      this.store.allocator.freeBlock(block);
    },
    removeAll: ({ pages }) => {
      const other = this.setOf(pages);
      this.set.removeAll(other);
      this.keep((page) => !pages.includes(page));
      expect(pagesOf(other)).to.have.members(pages);
      other.dispose();
    },
    keepOnly: ({ pages }) => {
      this.set.keepOnly(ramOf(pages));
      this.keep((page) => pages.includes(page));
    },
    clip: ({ pages }) => {
      this.set.clip(ramOf(pages));
      this.keep((page) => pages.includes(page));
    },
    returnLive: ({ number, pages, range: { first, end } }) => {
      const [from, to] = [Math.min(first, BITS), Math.min(end, BITS)];
      const live = this.blockOf(number, pages);
      this.set.returnLive(live, number, from, to);
      const returned = within(number, [...this.model]).filter((bit) => bit >= from && bit < to);
      expect(this.bitsOf(live)).to.deep.equal(ascending(new Set([...within(number, pages), ...returned])));
      this.store.allocator.freeBlock(live);
    },
  };

  count(): void {
    expect(this.set.pages).to.equal(this.model.size);
  }

  /** Looks at everything but the number of pages, so that blocks that were adopted stay uncounted. */
  check({ range: bounds, pages }: Step): void {
    expect(pagesOf(this.set)).to.deep.equal(ascending(this.model));
    expect([...this.set.ranges()].flatMap(({ first, end }) => range(first, end))).to.deep.equal(ascending(this.model));
    const wanted = range(bounds.first, bounds.end);
    expect(this.set.hasAny(bounds)).to.equal(wanted.some((page) => this.model.has(page)));
    expect(this.set.findPresent(bounds)).to.equal(wanted.find((page) => this.model.has(page)) ?? bounds.end);
    expect(this.set.findMissing(bounds)).to.equal(wanted.find((page) => !this.model.has(page)) ?? bounds.end);
    expect([...this.set.numbers]).to.include.members([...this.set.adopted]);
    expect(this.set.untouched).to.equal(this.set.numbers.size === 0);
    const visited = new Set<number>();
    this.set.eachPartOf(ramOf(pages), (number, from, to) => {
      expect(this.model.has(number * BITS + from), 'a part begins with a page of the set').to.equal(true);
      for (const bit of range(from, to)) visited.add(number * BITS + bit);
    });
    expect(pages.filter((page) => this.model.has(page) && !visited.has(page))).to.deep.equal([]);
    expect([...visited].filter((page) => !pages.includes(page))).to.deep.equal([]);
  }

  /** Adds to what must be in the set. @returns how many pages are new */
  private grow(pages: Iterable<number>): number {
    const before = this.model.size;
    for (const page of pages) this.model.add(page);
    return this.model.size - before;
  }

  /** Removes from what must be in the set. @returns how many pages it removed */
  private keep(wanted: (page: number) => boolean): number {
    const before = this.model.size;
    for (const page of [...this.model]) if (!wanted(page)) this.model.delete(page);
    return before - this.model.size;
  }

  private pagesIn(number: number): number {
    return within(number, [...this.model]).length;
  }

  private setOf(pages: readonly number[]): PageSet {
    const set = this.memory.createPageSet();
    for (const page of pages) set.add(page * PAGE, 1);
    return set;
  }

  /** A block of nobody, with those of the pages that lie in block `number`. */
  private blockOf(number: number, pages: readonly number[]): number {
    const block = this.store.allocator.allocateBlock('a spec');
    for (const bit of within(number, pages)) this.store.kernel.setOwned(block, bit, bit + 1);
    return block;
  }

  private bitsOf(block: number): number[] {
    return range(0, BITS).filter((bit) => this.store.kernel.count(block, bit, bit + 1) === 1);
  }
}

function ascending(pages: Iterable<number>): number[] {
  return [...pages].sort((a, b) => a - b);
}

/** The bits that pages of block `number` have there. */
function within(number: number, pages: Iterable<number>): number[] {
  return ascending(new Set([...pages].map((page) => page - number * BITS))).filter((bit) => bit >= 0 && bit < BITS);
}

function ramOf(pages: readonly number[]): PageRanges {
  const ram = new PageRanges();
  for (const page of pages) ram.add({ first: page, end: page + 1 });
  return ram;
}

describe('a page set, whatever collections do to it,', () => {
  it('has the pages that a set of numbers has, and no other memory than its blocks', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 12 }), (steps) => {
        const memory = smallEngine(); // of each run's own, so that a failed run leaves nothing to the next
        const { blockWords } = engineOf(memory).store.allocator;
        const before = memory.stats().arenaBytesInUse;
        const modelled = new Modelled(memory);
        const { set } = modelled;
        for (const step of steps) {
          modelled.steps[step.kind](step);
          modelled.check(step);
          expect(memory.stats().arenaBytesInUse - before).to.equal(set.numbers.size * blockWords * 4);
        }
        modelled.count();
        set.dispose();
        expect(memory.stats().arenaBytesInUse).to.equal(before);
      }),
      { numRuns: 300 },
    );
  });
});
