/**
 * A set of pages in the arena: what a collection returns, a RAM block's own migration bits, and the bits in flight
 * during a harvest. Its blocks have the shape of bitmap blocks, so kernels work on both, and they exist only where the
 * set has pages. They belong to the owner's thread alone: all accesses are plain (DM-1).
 */
import { memoryGrown, UsageError } from '../base/errors.js';
import { eachBlock, type PageRange, touchedPages, walkBlocks } from './page-range.js';
import type { PageSetStore } from './page-set-store.js';
import { type Run, RunIterator } from './run-iterator.js';

/**
 * A set of pages of guest RAM. Of the owner's thread alone; `pages` is exact. It holds arena memory until `dispose`.
 */
export class PageSet {
  /** What the constructor made has it: nothing forged has, nor what another copy of this module made. */
  readonly #made = true;
  private readonly store: PageSetStore;
  private readonly purpose: string;
  /** Block number to word index. */
  private blocks: Map<number, number> | undefined = new Map();
  /** Of the blocks that are not in `uncounted`. */
  private count = 0;
  /** Numbers of adopted blocks whose pages nobody has needed to count yet. */
  private readonly uncounted = new Set<number>();
  /** @internal How often its pages may have changed. */
  changes = 0;

  /** @internal Embedders get theirs from `createPageSet` and from collections. */
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
    this.open('PageSet.has');
    return this.hasAny(touchedPages('PageSet.has', start, length, this.store.geometry.pageSize));
  }

  /** Removes every page that the bytes touch. @returns how many there were */
  delete(start: number, length: number): number {
    this.open('PageSet.delete');
    return this.remove(touchedPages('PageSet.delete', start, length, this.store.geometry.pageSize));
  }

  /**
   * The set as byte ranges, ascending, neighbours merged. Pages may be deleted while it is iterated: those that are gone
   * by then are not given. Pages that are added then may be, or not.
   * @throws UsageError from the step after `dispose` or after the engine was closed
   */
  runs(): IterableIterator<Run, void, undefined> {
    return new RunIterator(this, this.store);
  }

  /** Gives the memory back to the arena. Every other method throws afterwards; a second `dispose` does nothing. */
  dispose(): void {
    const { allocator } = this.store;
    if (!allocator.closed) for (const block of this.blocks?.values() ?? []) allocator.freeBlock(block);
    this.blocks = undefined;
    this.uncounted.clear();
    this.count = 0;
    this.changes += 1;
  }

  /** @internal It is disposed of after the next grace period: messages about a full arena say so. */
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

  /** @internal Moves the live block's bits in here. @returns how many pages are new. @throws ArenaFullError, nothing moved */
  takeLive(live: number, number: number, from: number, to: number): number {
    const { kernel, allocator } = this.store;
    const first = kernel.findSet(live, from, to);
    if (first === to) return 0;
    const blocks = this.open(this.purpose);
    let block = blocks.get(number);
    if (block === undefined) {
      block = allocator.allocateBlock(`${this.purpose}: page set block ${number}`);
      blocks.set(number, block);
    }
    const added = kernel.takeLive(live, first, to, block);
    this.count += added;
    this.changes += 1;
    return added;
  }

  /** @internal No block at all: nothing was taken. */
  get untouched(): boolean {
    return this.open(this.purpose).size === 0;
  }

  /**
   * @internal Takes over a block that was swapped out, of which the set has none yet. Readers may still mark in it until
   * the grace period ends; until then the set must be neither counted nor changed, only searched.
   */
  adopt(number: number, block: number): void {
    this.open(this.purpose).set(number, block);
    this.uncounted.add(number);
    this.changes += 1;
  }

  /** @internal Adds this set's pages of the range to a live block. */
  returnLive(live: number, number: number, from: number, to: number): void {
    const block = this.open(this.purpose).get(number);
    if (block !== undefined) this.store.kernel.returnLive(block, from, to, live);
  }

  /**
   * @internal Moves all pages of `other` in here and disposes of it. Blocks that only `other` has change hands, so that
   * this allocates nothing and cannot fail. @returns how many pages are new
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
      let turned: number;
      if (other.uncounted.has(number)) {
        // Dense: clearing it would cost as much as zeroing it later, when nobody waits.
        turned = kernel.mergeOwned(block, 0, pagesPerBlock, own);
        allocator.freeBlock(block);
      } else {
        turned = kernel.mergeAndClearOwned(block, 0, pagesPerBlock, own);
        allocator.freeZeroedBlock(block);
      }
      added += turned;
      if (!this.uncounted.has(number)) this.count += turned;
    }
    theirs.clear();
    other.dispose();
    this.changes += 1;
    return added;
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

  /** @internal @returns the first page of the range that is not in the set, or the range's end */
  findMissing(range: PageRange): number {
    const blocks = this.open(this.purpose);
    return walkBlocks(range, this.store.geometry.pagesPerBlock, (number, from, to) => {
      const block = blocks.get(number);
      return block === undefined ? from : this.store.kernel.findClear(block, from, to);
    });
  }

  /** A block that is emptied whole goes back to the arena, so that the next one may be taken over as it is. */
  private remove(range: PageRange): number {
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

  /** Visits the set's blocks in the range, at the cost of these or of those that the range spans, whichever are fewer. */
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
    if (this.blocks === undefined) throw new UsageError(`${operation}: the page set was disposed of`);
    if (this.store.runs.words.length === 0) throw memoryGrown(operation);
    return this.blocks;
  }
}
