/**
 * Walks the runs of a page set. Kernels extract them a batch at a time, into a part of the arena that all iterators of
 * an engine share: nothing is allocated, so that an iterator can be left where it is, and there is nothing that could be
 * full. A batch is given up when another iterator has written over it, or the set has changed; the next one begins behind
 * the last run that was given out.
 */
import { RUN_CAPACITY } from '../arena/layout.js';
import type { PageSetStore } from './page-set-store.js';

/** Bytes of ram_addr space. */
export interface Run {
  readonly start: number;
  readonly length: number;
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
  private page = 0;
  /** How many runs to ask for: one at first, for whoever wants no more. */
  private size = 1;
  /** The batch goes to the end of its block. */
  private whole = false;
  private ended = false;
  /** The set's when the batch was extracted. */
  private changes = 0;

  constructor(set: Walked, store: PageSetStore) {
    this.set = set;
    this.store = store;
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
    return { done: false, value: { start, length: this.page * geometry.pageSize - start } };
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
      if (block === undefined || from >= pagesPerBlock) continue;
      const found = kernel.extractRuns(block, from, pagesPerBlock, runs.first, this.size);
      runs.holder = this;
      if (found === 0) continue;
      this.border = this.base + pagesPerBlock;
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
    while (this.page === this.border && numbers[this.which + 1] === this.page / pagesPerBlock) {
      const block = blocks.get(this.page / pagesPerBlock);
      if (block === undefined) return;
      this.which += 1;
      this.whole = false;
      this.border += pagesPerBlock;
      this.page += kernel.findClear(block, 0, pagesPerBlock);
    }
  }
}
