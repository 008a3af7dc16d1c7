/**
 * Walks the runs of a page set. Kernels extract the runs a batch at a time, into a part of the arena that all iterators
 * of an engine share. An iterator allocates nothing in the arena, so it cannot run out of room and may be abandoned at
 * any time. It drops its batch when another iterator has overwritten the batch or the set has changed; the next batch
 * begins behind the last run that the iterator has returned.
 */
import { RUN_CAPACITY } from '../arena/layout.js';
import { checkAddress, checkInteger, outOfRange, wrongType } from '../base/errors.js';
import type { PageRange } from './page-range.js';
import type { PageSetStore } from './page-set-store.js';

/** A range of ram_addr space, in bytes. */
export interface Run {
  readonly start: number;
  readonly length: number;
}

/** A run within a RAM block. */
export interface RunWithin extends Run {
  /** Where the run begins in the block, in bytes. */
  readonly offset: number;
}

/** A range of whole pages in ram_addr space, in bytes. A `RamBlock` is such a range. */
export interface RamPlace {
  readonly offset: number;
  readonly size: number;
}

const EXPECTED = 'a RamBlock, as ram.plug and ram.get return it, or { offset, size } in bytes';

/** Does the value look like a place? Somebody may have passed it where an object with a place belongs. */
export function isPlace(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'offset' in value && 'size' in value;
}

/** @throws TypeError, RangeError when `block` is not a range of whole pages */
export function placeOf(operation: string, block: RamPlace, pageSize: number): PageRange {
  if (!isPlace(block)) throw wrongType(operation, 'block', block, EXPECTED);
  const { offset, size } = block;
  checkAddress(operation, 'block.offset', offset);
  checkInteger(operation, 'block.size', size, 0, Number.MAX_SAFE_INTEGER - offset);
  const whole = `a multiple of the page size, ${pageSize}`;
  if (offset % pageSize !== 0) throw outOfRange(operation, 'block.offset', offset, whole);
  if (size % pageSize !== 0) throw outOfRange(operation, 'block.size', size, whole);
  return { first: offset / pageSize, end: (offset + size) / pageSize };
}

/** The part of `PageSet` that the iterator needs. */
interface Walked {
  /** Grows whenever the pages of a block that the set had may have changed. */
  readonly changes: number;
  /**
   * @returns the word index of each block, by block number.
   * @throws UsageError after `dispose` or the engine's `close`
   */
  open(operation: string): ReadonlyMap<number, number>;
}

/** @internal */
export class RunIterator implements IterableIterator<Run, void, undefined> {
  private readonly set: Walked;
  private readonly store: PageSetStore;
  /** The range that limits the walk, and from whose start each run's `offset` counts. */
  private readonly place: PageRange | undefined;
  /** The block numbers that the set had when the walk began, in ascending order. */
  private numbers: readonly number[] | undefined;
  /** Index in `numbers` of the block from which the batch was extracted. */
  private which = 0;
  /** The first page of that block, and the page behind the last one to walk there. */
  private base = 0;
  private border = 0;
  /** Word indices of the rest of the batch. */
  private at = 0;
  private end = 0;
  /** All runs below this page have been returned. */
  private page: number;
  /** The page behind the last one to walk. */
  private readonly last: number;
  /** How many runs the next batch asks for: one at first, since many callers want only the first run. */
  private size = 1;
  /** Does the batch reach the end of its block? */
  private whole = false;
  private ended = false;
  /** The value of `set.changes` when the batch was extracted. */
  private changes = 0;

  constructor(set: Walked, store: PageSetStore, place?: PageRange) {
    this.set = set;
    this.store = store;
    this.place = place;
    const { first, end } = place ?? { first: 0, end: Infinity };
    this.page = first;
    this.last = end;
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** @throws UsageError after the set was disposed of or its engine was closed */
  next(): IteratorResult<Run, void> {
    const { runs, geometry } = this.store;
    if ((this.at === this.end || !this.holds()) && !this.extract()) return { done: true, value: undefined };
    const first = this.base + runs.words.get(this.at);
    this.page = this.base + runs.words.get(this.at + 1);
    this.at += 2;
    if (this.page === this.border) this.extend();
    const start = first * geometry.pageSize;
    const length = this.page * geometry.pageSize - start;
    if (this.place === undefined) return { done: false, value: { start, length } };
    const value: RunWithin = { start, length, offset: start - this.place.first * geometry.pageSize };
    return { done: false, value };
  }

  return(): IteratorResult<Run, void> {
    this.ended = true;
    this.at = this.end;
    return { done: true, value: undefined };
  }

  /** Is the batch still valid: extracted by this iterator, from a set that has not changed since? */
  private holds(): boolean {
    const { runs, allocator } = this.store;
    return runs.holder === this && this.changes === this.set.changes && !allocator.closed && runs.words.length > 0;
  }

  /** Extracts the next batch. @returns false when there are no more runs */
  private extract(): boolean {
    if (this.ended) return false;
    this.ended = true; // stays true when the next line throws
    const blocks = this.set.open('runs');
    const { runs, kernel, geometry } = this.store;
    const { pagesPerBlock } = geometry;
    this.numbers ??= [...blocks.keys()].sort((a, b) => a - b);
    if (!this.holds()) this.size = 1;
    else if (this.whole) this.which += 1;
    for (; this.which < this.numbers.length; this.which += 1) {
      const number = this.numbers[this.which] as number;
      const block = blocks.get(number);
      this.base = number * pagesPerBlock;
      const from = Math.max(this.page - this.base, 0);
      const to = Math.min(this.last - this.base, pagesPerBlock);
      if (block === undefined || from >= to) continue;
      const found = kernel.extractRuns(block, from, to, runs.first, this.size);
      runs.holder = this;
      if (found === 0) continue;
      this.border = this.base + to;
      this.changes = this.set.changes;
      this.whole = found < this.size;
      this.size = Math.min(4 * this.size, RUN_CAPACITY);
      this.at = runs.first;
      this.end = runs.first + 2 * found;
      this.ended = false;
      return true;
    }
    return false;
  }

  /** Extends a run that has reached the border of its block into the blocks behind it. */
  private extend(): void {
    const numbers = this.numbers as readonly number[];
    const { kernel, geometry } = this.store;
    const { pagesPerBlock } = geometry;
    const blocks = this.set.open('runs');
    // The quotient is a whole number only at a border.
    while (numbers[this.which + 1] === this.page / pagesPerBlock) {
      const block = blocks.get(this.page / pagesPerBlock);
      if (block === undefined) return;
      this.which += 1;
      this.whole = false;
      this.page += kernel.findClear(block, 0, Math.min(this.last - this.page, pagesPerBlock));
    }
  }
}
