/**
 * Walks the runs of a page set. Kernels extract them a batch at a time, into a part of the arena that all iterators of
 * an engine share: nothing is allocated, so that an iterator can be left where it is, and there is nothing that could be
 * full. A batch is given up when another iterator has written over it, or the set has changed; the next one begins behind
 * the last run that was given out.
 */
import { RUN_CAPACITY } from '../arena/layout.js';
import { checkAddress, checkInteger, outOfRange, wrongType } from '../base/errors.js';
import type { PageRange } from './page-range.js';
import type { PageSetStore } from './page-set-store.js';

/** Bytes of ram_addr space. */
export interface Run {
  readonly start: number;
  readonly length: number;
}

/** A run within a RAM block. */
export interface RunWithin extends Run {
  /** Where it begins in the block, in bytes. */
  readonly offset: number;
}

/** Whole pages of ram_addr space, in bytes: a `RamBlock` is one. */
export interface RamPlace {
  readonly offset: number;
  readonly size: number;
}

/** @throws TypeError, RangeError when it is no place of whole pages */
export function placeOf(operation: string, block: RamPlace, pageSize: number): PageRange {
  if (typeof block !== 'object' || block === null) throw wrongType(operation, 'block', block, 'a RamBlock');
  const { offset, size } = block;
  checkAddress(operation, 'block.offset', offset);
  checkInteger(operation, 'block.size', size, 0, Number.MAX_SAFE_INTEGER - offset);
  const whole = `a multiple of the page size, ${pageSize}`;
  if (offset % pageSize !== 0) throw outOfRange(operation, 'block.offset', offset, whole);
  if (size % pageSize !== 0) throw outOfRange(operation, 'block.size', size, whole);
  return { first: offset / pageSize, end: (offset + size) / pageSize };
}

/** What is walked. */
interface Walked {
  /** How often its pages may have changed. */
  readonly changes: number;
  /** Block number to word index. @throws UsageError once it was disposed of or its engine closed */
  open(operation: string): ReadonlyMap<number, number>;
}

/** @internal */
export class RunIterator implements IterableIterator<Run, void, undefined> {
  private readonly set: Walked;
  private readonly store: PageSetStore;
  /** What the runs are to lie within, and to have places in. */
  private readonly place: PageRange | undefined;
  /** Of the set's blocks when the walk began, ascending. */
  private numbers: readonly number[] | undefined;
  /** Index in `numbers` of the block that the batch is of. */
  private which = 0;
  /** Of that block, in pages. */
  private base = 0;
  private border = 0;
  /** The rest of the batch: words. */
  private at = 0;
  private end = 0;
  /** The runs of pages below this one were given out. */
  private page: number;
  /** Where the walk ends. */
  private readonly last: number;
  /** How many runs to ask for: one at first, for whoever wants no more. */
  private size = 1;
  /** The batch goes to the end of its block. */
  private whole = false;
  private ended = false;
  /** The set's when the batch was extracted. */
  private changes = 0;

  constructor(set: Walked, store: PageSetStore, place?: PageRange) {
    this.set = set;
    this.store = store;
    this.place = place;
    this.page = place?.first ?? 0;
    this.last = place?.end ?? Infinity;
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** @throws UsageError once the set was disposed of or its engine closed */
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

  /** Is the batch this iterator's, and as the set is now? */
  private holds(): boolean {
    const { runs, allocator } = this.store;
    return runs.holder === this && this.changes === this.set.changes && !allocator.closed && runs.words.length > 0;
  }

  /** Extracts the next batch. @returns false when there are no more runs */
  private extract(): boolean {
    if (this.ended) return false;
    this.ended = true; // also when the next line throws
    const blocks = this.set.open('PageSet.runs');
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

  /** The run reaches the border of its block, and may go on in the blocks behind it. */
  private extend(): void {
    const numbers = this.numbers as readonly number[];
    const { kernel, geometry } = this.store;
    const { pagesPerBlock } = geometry;
    const blocks = this.set.open('PageSet.runs');
    while (
      this.page === this.border &&
      this.page < this.last &&
      numbers[this.which + 1] === this.page / pagesPerBlock
    ) {
      const block = blocks.get(this.page / pagesPerBlock);
      if (block === undefined) return;
      const to = Math.min(this.last - this.page, pagesPerBlock);
      this.which += 1;
      this.whole = false;
      this.border += to;
      this.page += kernel.findClear(block, 0, to);
    }
  }
}
