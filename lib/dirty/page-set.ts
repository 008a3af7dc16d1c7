/**
 * A set of pages in the arena. Page sets hold the result of a collection, the migration bits of a RAM block, and the
 * bits in flight during a harvest. The blocks of a set have the shape of bitmap blocks, so kernels work on both. They
 * exist only where the set has pages. They belong to the owner's thread alone, so all accesses are plain (DM-1).
 */
import { memoryGrown, UsageError, wrongType } from '../base/errors.js';
import { INSPECT, type Inspect, inspection } from '../base/inspection.js';
import { readOptions } from '../base/options.js';
import { sendTheRunsInsteadOfThePageSet } from '../base/stays-here.js';
import { eachBlock, type PageRange, touchedPages, walkBlocks } from './page-range.js';
import type { PageRanges } from './page-ranges.js';
import type { PageSetStore } from './page-set-store.js';
import { isPlace, placeOf, type RamPlace, type Run, RunIterator, type RunWithin } from './run-iterator.js';
import { walkSetParts } from './set-parts.js';

// The TypeScript libraries of consumers may lack these symbols. The declarations agree with those of @types/node.
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}

/**
 * A set of pages of guest RAM. Only the owner's thread may use it. It holds arena memory until `dispose`.
 */
export class PageSet {
  /** @internal */
  readonly staysHere = sendTheRunsInsteadOfThePageSet;
  /** Only objects that this constructor made have this field. Forged ones and those of another module copy lack it. */
  readonly #made = true;
  private readonly store: PageSetStore;
  private readonly purpose: string;
  /** Maps block numbers to word indices. */
  private blocks: Map<number, number> | undefined = new Map();
  /** How many pages are in the blocks that are not in `uncounted`. */
  private count = 0;
  /** Numbers of adopted blocks whose pages nobody has needed to count yet. */
  private readonly uncounted = new Set<number>();
  /** @internal Grows whenever the pages of a block that the set had may have changed. */
  changes = 0;

  /** @internal Embedders get page sets from `createPageSet` and from collections. */
  constructor(store: PageSetStore, purpose: string) {
    this.store = store;
    this.purpose = purpose;
  }

  /** @internal */
  static is(value: unknown): value is PageSet {
    return typeof value === 'object' && value !== null && #made in value;
  }

  /** How many pages are in the set, exactly. */
  get pages(): number {
    const blocks = this.open('pages');
    for (const number of this.uncounted) {
      this.count += this.store.kernel.count(blocks.get(number) as number, 0, this.store.geometry.pagesPerBlock);
    }
    this.uncounted.clear();
    return this.count;
  }

  /**
   * Is any page that the bytes touch in the set? False for zero length. (QEMU: cpu_physical_memory_snapshot_get_dirty.)
   * @throws RangeError, TypeError for a bad range; UsageError after `dispose`
   */
  has(start: number, length: number): boolean {
    this.open('has');
    return this.hasAny(touchedPages('has', start, length, this.store.geometry.pageSize));
  }

  /**
   * Adds every page that the bytes touch, whether it is RAM or not.
   * @returns how many of them were not in the set before
   * @throws as `has`; ArenaFullError with nothing changed
   */
  add(start: number, length: number): number {
    const operation = 'add';
    const range = touchedPages(operation, start, length, this.store.geometry.pageSize);
    this.reserve(this.numbersIn(range), operation);
    return this.addRange(range);
  }

  /**
   * Adds all pages of another set of this engine; the other set keeps them.
   * @returns how many of them were not in this set before
   * @throws TypeError when `other` is not a page set of this engine; UsageError when either set was disposed of;
   *   ArenaFullError with nothing changed
   */
  union(other: PageSet): number {
    const operation = 'union';
    if (!PageSet.is(other) || !other.belongsTo(this.store)) {
      throw wrongType(operation, 'other', other, 'a PageSet of this engine');
    }
    this.reserve(other.open(operation).keys(), operation);
    return this.addAll(other);
  }

  /** Removes every page that the bytes touch. @returns how many of them were in the set */
  delete(start: number, length: number): number {
    this.open('delete');
    return this.remove(touchedPages('delete', start, length, this.store.geometry.pageSize));
  }

  /**
   * The set as byte ranges, in ascending order, with neighbouring pages merged. The set may change during the
   * iteration: pages deleted before the iteration reaches them are left out; pages added during the iteration may or
   * may not appear.
   * @throws UsageError from `next` after `dispose` or after the engine was closed
   */
  runs(): IterableIterator<Run, void, undefined>;
  /**
   * The part of the set within a block. Runs are cut at the block's ends, and each has its offset in the block.
   * @param options.block a RAM block, or any `{ offset, size }` of whole pages. It need not be plugged
   * @throws TypeError, RangeError when `block` is not such an object; UsageError as above
   */
  runs(options: { readonly block: RamPlace }): IterableIterator<RunWithin, void, undefined>;
  runs(options: { readonly block?: RamPlace }): IterableIterator<Run, void, undefined>;
  runs(options: { readonly block?: RamPlace } = {}): IterableIterator<Run, void, undefined> {
    const operation = 'runs';
    if (isPlace(options)) {
      throw wrongType(
        operation,
        'options',
        options,
        'an object, { block }: pass runs({ block }) instead of runs(block)',
      );
    }
    const { block } = readOptions(operation, options, { block: true });
    if (block === undefined) return new RunIterator(this, this.store);
    return new RunIterator(this, this.store, placeOf(operation, block, this.store.geometry.pageSize));
  }

  /** As `runs()`. */
  [Symbol.iterator](): IterableIterator<Run, void, undefined> {
    return this.runs();
  }

  /** Gives the memory back to the arena. Every other method throws afterwards; a second `dispose` does nothing. */
  dispose(): void {
    const { allocator } = this.store;
    if (!allocator.closed) for (const block of this.blocks?.values() ?? []) allocator.freeBlock(block);
    this.blocks = undefined;
    this.changes += 1;
  }

  /** Calls `dispose`, for `using` declarations on hosts that support them. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    const usable = !this.disposed && !this.store.allocator.closed && this.store.runs.words.length !== 0;
    const facts = usable ? { pages: this.pages } : { disposed: this.disposed };
    return inspection('PageSet', facts, options, inspect);
  }

  /** @internal Notes that the set is disposed of after the next grace period; messages about a full arena say so. */
  awaitPeriod(): void {
    for (const block of this.blocks?.values() ?? []) this.store.allocator.awaitPeriod(block);
  }

  /** @internal */
  get disposed(): boolean {
    return this.blocks === undefined;
  }

  /** @internal Does the set live in the arena that `store` describes? */
  belongsTo(store: PageSetStore): boolean {
    return this.store === store;
  }

  /**
   * @internal Moves bits of the live block into this set, which must not have adopted a block with this number.
   * @returns how many pages are new
   * @throws ArenaFullError with nothing moved
   */
  takeLive(live: number, number: number, from: number, to: number): number {
    const { kernel } = this.store;
    const first = kernel.findSet(live, from, to);
    if (first === to) return 0;
    const added = kernel.takeLive(live, first, to, this.blockFor(number));
    this.count += added;
    this.changes += 1;
    return added;
  }

  /** @internal Has the set no block at all, so that certainly nothing was added? */
  get untouched(): boolean {
    return this.open(this.purpose).size === 0;
  }

  /**
   * @internal Takes over a block that was swapped out. The set must not have a block with this number. Readers may
   * still mark in the block until the grace period ends; until then the set may be searched, but neither counted nor
   * changed.
   */
  adopt(number: number, block: number): void {
    this.open(this.purpose).set(number, block);
    this.uncounted.add(number);
  }

  /** @internal Adds this set's pages of the range to a live block. */
  returnLive(live: number, number: number, from: number, to: number): void {
    const block = this.open(this.purpose).get(number);
    if (block !== undefined) this.store.kernel.returnLive(block, from, to, live);
  }

  /**
   * @internal Moves all pages of `other` into this set and disposes of `other`. Takes over the blocks that only `other`
   * has, so it allocates nothing and cannot fail.
   * @returns how many pages are new
   */
  absorb(other: PageSet): number {
    const { kernel, allocator, geometry } = this.store;
    const { pagesPerBlock } = geometry;
    const mine = this.open(this.purpose);
    const theirs = other.open(this.purpose);
    let added = 0;
    for (const [number, block] of theirs) {
      const own = mine.get(number);
      if (own === undefined) {
        const pages = kernel.count(block, 0, pagesPerBlock);
        mine.set(number, block);
        this.count += pages;
        added += pages;
        continue;
      }
      if (other.uncounted.has(number)) {
        added += this.addBlock(number, block);
        // Dense: clearing it would cost as much as zeroing it later, when nobody waits.
        allocator.freeBlock(block);
        continue;
      }
      const turned = kernel.mergeAndClearOwned(block, 0, pagesPerBlock, own);
      allocator.freeZeroedBlock(block);
      added += turned;
      if (!this.uncounted.has(number)) this.count += turned;
    }
    theirs.clear();
    other.dispose();
    this.changes += 1;
    return added;
  }

  /**
   * @internal Allocates the missing blocks among these numbers, so that adding pages there cannot fail.
   * @returns a function that frees these blocks again; to be called only while nothing was added
   * @throws ArenaFullError with nothing changed
   */
  reserve(numbers: Iterable<number>, purpose = this.purpose): () => void {
    const { allocator } = this.store;
    const blocks = this.open(purpose);
    const fresh: number[] = [];
    const undo = (): void => {
      for (const number of fresh) {
        allocator.freeZeroedBlock(blocks.get(number) as number);
        blocks.delete(number);
      }
    };
    try {
      for (const number of numbers) {
        if (blocks.has(number)) continue;
        this.blockFor(number, purpose);
        fresh.push(number);
      }
    } catch (error) {
      undo();
      throw error;
    }
    return undo;
  }

  /** @internal The numbers of the blocks that a range overlaps. */
  numbersIn(range: PageRange): number[] {
    const numbers: number[] = [];
    eachBlock(range, this.store.geometry.pagesPerBlock, (number) => void numbers.push(number));
    return numbers;
  }

  /**
   * @internal Adds the pages of `other` that lie in wanted blocks; `other` keeps them.
   * @returns how many pages are new
   */
  addAll(other: PageSet, wanted: (number: number) => boolean = () => true): number {
    let added = 0;
    for (const [number, block] of other.open(this.purpose)) {
      if (wanted(number)) added += this.addBlock(number, block);
    }
    return added;
  }

  /** @internal The numbers of the set's blocks. */
  get numbers(): ReadonlySet<number> {
    return new Set(this.open(this.purpose).keys());
  }

  /** @internal */
  hasBlock(number: number): boolean {
    return this.open(this.purpose).has(number);
  }

  /** @internal The numbers of the blocks that were adopted and have not been counted yet. */
  get adopted(): ReadonlySet<number> {
    return this.uncounted;
  }

  /**
   * @internal Adds the pages of two blocks to the set's own block with this number, and frees the first of the two.
   * @returns how many pages are new
   */
  absorbBlock(number: number, block: number, kept: number): number {
    const { kernel, allocator, geometry } = this.store;
    const own = this.open(this.purpose).get(number) as number;
    const turned = kernel.mergeBothOwned(block, kept, 0, geometry.pagesPerBlock, own);
    if (!this.uncounted.has(number)) this.count += turned;
    allocator.freeBlock(block);
    this.changes += 1;
    return turned;
  }

  /**
   * @internal Adds the pages of a block, which keeps them. If the set's own block with this number was adopted, counts
   * its pages in the same pass.
   * @returns how many pages are new; pages of an adopted block that had not been counted yet count as new
   */
  addBlockAndCount(number: number, block: number): number {
    if (!this.uncounted.delete(number)) return this.addBlock(number, block);
    const own = this.open(this.purpose).get(number) as number;
    const pages = this.store.kernel.uniteOwned(block, 0, this.store.geometry.pagesPerBlock, own);
    this.count += pages;
    this.changes += 1;
    return pages;
  }

  /**
   * @internal Adds the pages of a block, which keeps them. @returns how many pages are new
   * @throws ArenaFullError when the set has no block with this number and the arena has no room for one
   */
  addBlock(number: number, block: number): number {
    const turned = this.store.kernel.mergeOwned(block, 0, this.store.geometry.pagesPerBlock, this.blockFor(number));
    if (!this.uncounted.has(number)) this.count += turned;
    this.changes += 1;
    return turned;
  }

  /** @internal Gives away a block that was adopted. */
  release(number: number): number {
    const blocks = this.open(this.purpose);
    const block = blocks.get(number) as number;
    blocks.delete(number);
    this.uncounted.delete(number);
    this.changes += 1;
    return block;
  }

  /** @internal Adds the range. @returns how many pages are new */
  addRange(range: PageRange): number {
    const { kernel, geometry } = this.store;
    let added = 0;
    eachBlock(range, geometry.pagesPerBlock, (number, from, to) => {
      const block = this.blockFor(number);
      const turned = to - from - kernel.count(block, from, to);
      if (!this.uncounted.has(number)) this.count += turned;
      kernel.setOwned(block, from, to);
      added += turned;
    });
    this.changes += 1;
    return added;
  }

  /** @internal Removes all pages of `other`. */
  removeAll(other: PageSet): void {
    const { kernel, geometry } = this.store;
    const { pagesPerBlock } = geometry;
    for (const [number, theirs] of other.open(this.purpose)) {
      const block = this.open(this.purpose).get(number);
      if (block === undefined) continue;
      for (let page = 0; page < pagesPerBlock; ) {
        const first = kernel.findSet(theirs, page, pagesPerBlock);
        page = kernel.findClear(theirs, first, pagesPerBlock);
        const cleared = kernel.clearOwned(block, first, page);
        if (!this.uncounted.has(number)) this.count -= cleared;
      }
    }
    this.changes += 1;
  }

  /** @internal The pages of the set as ranges, in ascending order. */
  *ranges(): Generator<PageRange> {
    const { pageSize } = this.store.geometry;
    for (const { start, length } of this.runs()) yield { first: start / pageSize, end: (start + length) / pageSize };
  }

  /**
   * @internal Visits the parts of `ram` in which the set has pages, block by block, each part from its first such page.
   */
  eachPartOf(ram: PageRanges, visit: (number: number, from: number, to: number) => void): void {
    for (const [number, block] of this.open(this.purpose)) {
      this.eachPartIn(number, block, ram, (from, to) => visit(number, from, to));
    }
  }

  private eachPartIn(number: number, block: number, ram: PageRanges, visit: (from: number, to: number) => void): void {
    const { kernel, geometry } = this.store;
    const { pagesPerBlock } = geometry;
    walkSetParts(
      ram,
      number * pagesPerBlock,
      [0, pagesPerBlock],
      (from, to) => kernel.findSet(block, from, to),
      (from, to) => {
        visit(from, to);
        return to;
      },
    );
  }

  /** @internal Removes every page that is not RAM, and every block without a page in RAM. */
  clip(ram: PageRanges): void {
    const { pagesPerBlock } = this.store.geometry;
    for (const [number, block] of this.open(this.purpose)) {
      const base = number * pagesPerBlock;
      let kept = base;
      this.eachPartIn(number, block, ram, (from, to) => {
        this.remove({ first: kept, end: base + from });
        kept = base + to;
      });
      this.remove({ first: kept, end: base + pagesPerBlock });
    }
  }

  /** @internal Removes every page that is in none of the ranges, which are ascending and disjoint. */
  keepOnly(ranges: Iterable<PageRange>): void {
    let at = 0;
    for (const range of ranges) {
      this.remove({ first: at, end: range.first });
      at = range.end;
    }
    this.remove({ first: at, end: Infinity });
  }

  /** @internal */
  hasAny(range: PageRange): boolean {
    let found = false;
    this.eachOwn(range, (block, from, to) => {
      found ||= this.store.kernel.findSet(block, from, to) < to;
    });
    return found;
  }

  /** @internal @returns the first page of the range that is in the set, or the range's end */
  findPresent(range: PageRange): number {
    const blocks = this.open(this.purpose);
    return walkBlocks(range, this.store.geometry.pagesPerBlock, (number, from, to) => {
      const block = blocks.get(number);
      return block === undefined ? to : this.store.kernel.findSet(block, from, to);
    });
  }

  /** @internal @returns the first page of the range that is not in the set, or the range's end */
  findMissing(range: PageRange): number {
    const blocks = this.open(this.purpose);
    return walkBlocks(range, this.store.geometry.pagesPerBlock, (number, from, to) => {
      const block = blocks.get(number);
      return block === undefined ? from : this.store.kernel.findClear(block, from, to);
    });
  }

  private blockFor(number: number, purpose = this.purpose): number {
    const blocks = this.open(purpose);
    let block = blocks.get(number);
    if (block === undefined) {
      block = this.store.allocator.allocateBlock(`${purpose}: page set block ${number}`);
      blocks.set(number, block);
    }
    return block;
  }

  /**
   * @internal Removes the range. Blocks that lie entirely in the range go back to the arena, so that `adopt` can take
   * over other blocks with their numbers.
   * @returns how many pages were removed
   */
  remove(range: PageRange): number {
    const { kernel, allocator, geometry } = this.store;
    const blocks = this.open(this.purpose);
    let removed = 0;
    this.changes += 1;
    this.eachOwn(range, (block, from, to, number) => {
      const cleared = kernel.clearOwned(block, from, to);
      removed += cleared;
      if (!this.uncounted.has(number)) this.count -= cleared;
      if (to - from < geometry.pagesPerBlock) return;
      blocks.delete(number);
      this.uncounted.delete(number);
      allocator.freeZeroedBlock(block);
    });
    return removed;
  }

  /**
   * Visits the set's blocks in the range. Loops over the block numbers of the range or of the set, whichever are fewer.
   */
  private eachOwn(range: PageRange, visit: (block: number, from: number, to: number, number: number) => void): void {
    const { pagesPerBlock } = this.store.geometry;
    const blocks = this.open(this.purpose);
    if (range.end - range.first <= blocks.size * pagesPerBlock) {
      eachBlock(range, pagesPerBlock, (number, from, to) => {
        const block = blocks.get(number);
        if (block !== undefined) visit(block, from, to, number);
      });
      return;
    }
    for (const [number, block] of blocks) {
      const base = number * pagesPerBlock;
      const from = Math.max(range.first - base, 0);
      const to = Math.min(range.end - base, pagesPerBlock);
      if (from < to) visit(block, from, to, number);
    }
  }

  /** @internal */
  open(operation: string): Map<number, number> {
    if (this.store.allocator.closed) throw new UsageError(`${operation}: the engine of the page set is closed`);
    if (this.blocks === undefined)
      throw new UsageError(`${operation}: the page set was disposed of; use it before dispose, or collect anew`);
    if (this.store.runs.words.length === 0) throw memoryGrown(operation);
    return this.blocks;
  }
}
