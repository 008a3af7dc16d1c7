/**
 * Allocates block tables and bitmap blocks in the arena. Only the owner uses the allocator, and its bookkeeping is
 * private to the owner's thread, not shared.
 *
 * Whoever frees memory guarantees that no reader can reach it any more (its grace period has ended, or it was never
 * published), so all memory here is owned and accessed plainly (DM-1).
 *
 * A freed block is zeroed before its next use, so that it can be published at once; a freed table is filled with
 * `POISON`. In debug mode blocks are zeroed when they are freed, and blocks and tables are checked on reuse, which
 * detects marks that came too late. Otherwise `zeroSome` zeroes the blocks when nobody waits: zeroed free blocks are
 * the spare blocks that a harvest swaps in.
 */
import { ArenaFullError, CorruptionError } from '../base/errors.js';
import type { Arena } from './arena.js';
import { LINE, POISON, Table } from './layout.js';
import type { Words } from './words.js';

export interface AllocatorStats {
  /** The whole arena, including its header and reader slots. */
  readonly bytesReserved: number;
  readonly bytesInUse: number;
  readonly bytesPeak: number;
  /** How many bitmap blocks are kept for reuse, and their bytes; the operating system has committed this memory. */
  readonly freeBlocks: number;
  readonly freeBlockBytes: number;
  /** How many of the free blocks are zeroed already. */
  readonly zeroedBlocks: number;
  /** How many block tables are kept for reuse; they are filled with `POISON`. */
  readonly freeTables: number;
}

export class Allocator {
  readonly blockWords: number;
  /** Is called when a block was freed. */
  onFree: () => void = () => {};
  /** Says which readers the running grace period waits for; '' when there are none. */
  describeHoldouts: () => string = () => '';
  /** Says which users keep pages that they have not collected, and what to do; '' when there are none. */
  describeHoarders: () => string = () => '';
  private readonly words: Words;
  private readonly debug: boolean;
  /** Is memory that was never allocated zero? False in the embedder's memory. */
  private readonly freshIsZero: boolean;
  private readonly zeroed: number[] = [];
  private readonly unzeroed: number[] = [];
  /** Free tables by their capacity in words. */
  private readonly freeTableLists = new Map<number, number[]>();
  /** The size in words of each allocated block and table, by its first word. */
  private readonly live = new Map<number, number>();
  /** The allocated blocks and tables that a grace period will free. */
  private readonly awaiting = new Set<number>();
  /** Set when the engine is closed: the memory may belong to another engine then, and must not be touched any more. */
  closed = false;
  private top: number;
  private wordsInUse = 0;
  private wordsPeak = 0;

  constructor(arena: Arena, freshIsZero: boolean) {
    this.words = arena.words;
    this.debug = arena.geometry.debug;
    this.blockWords = Math.max(arena.geometry.blockWords, LINE);
    this.freshIsZero = freshIsZero;
    this.top = arena.regions.heap;
  }

  /** @returns the word index of an all-zero block. @throws ArenaFullError, whose message begins with `purpose` */
  allocateBlock(purpose: string): number {
    const block = this.takeSpare() ?? this.takeFreshBlock(purpose);
    this.enter(block, this.blockWords);
    return block;
  }

  freeBlock(block: number): void {
    this.leave(block, this.blockWords, 'bitmap block');
    this.unzeroed.push(block);
    if (this.debug) this.zeroSome(1);
    else this.onFree();
  }

  /** As `freeBlock`, for a block that is all zero. */
  freeZeroedBlock(block: number): void {
    this.leave(block, this.blockWords, 'bitmap block');
    this.zeroed.push(block);
    this.onFree();
  }

  /** Zeroes up to `blocks` free blocks. @returns true when more blocks are left to zero */
  zeroSome(blocks: number): boolean {
    if (this.words.length === 0) return false;
    for (let i = 0; i < blocks; i++) {
      const block = this.unzeroed.pop();
      if (block === undefined) return false;
      this.words.fill(block, block + this.blockWords, 0);
      this.zeroed.push(block);
    }
    return this.unzeroed.length > 0;
  }

  /**
   * Gives free blocks at the top of the heap back to the heap, where tables can use the space too.
   * @returns how many
   */
  trim(): number {
    this.zeroed.sort((a, b) => a - b);
    const before = this.zeroed.length;
    while (this.zeroed.at(-1) === this.top - this.blockWords) this.top = this.zeroed.pop() as number;
    return before - this.zeroed.length;
  }

  /**
   * @returns the word index of a table with room for `entries` entries, whose contents are undefined
   * @throws ArenaFullError
   */
  allocateTable(entries: number, purpose: string): number {
    const capacity = tableWords(entries);
    const reused = this.freeTableLists.get(capacity)?.pop();
    const table = reused ?? this.takeFresh(capacity, purpose);
    if (reused !== undefined && this.debug) this.checkFilledWith(table, capacity, POISON, 'block table', 1);
    this.enter(table, capacity);
    return table;
  }

  freeTable(table: number): void {
    const capacity = this.live.get(table) ?? 0;
    this.leave(table, capacity, 'block table');
    this.words.fill(table, table + capacity, POISON);
    this.words.set(table + Table.Length, 0);
    const list = this.freeTableLists.get(capacity);
    if (list === undefined) this.freeTableLists.set(capacity, [table]);
    else list.push(table);
  }

  stats(): AllocatorStats {
    const freeBlocks = this.zeroed.length + this.unzeroed.length;
    let freeTables = 0;
    for (const list of this.freeTableLists.values()) freeTables += list.length;
    return {
      bytesReserved: this.words.length * 4,
      bytesInUse: this.wordsInUse * 4,
      bytesPeak: this.wordsPeak * 4,
      freeBlocks,
      freeBlockBytes: freeBlocks * this.blockWords * 4,
      zeroedBlocks: this.zeroed.length,
      freeTables,
    };
  }

  /** Notes, for messages about a full arena, that a grace period will free this block or table. */
  awaitPeriod(first: number): void {
    this.awaiting.add(first);
  }

  private takeSpare(): number | undefined {
    const spare = this.zeroed.pop();
    if (spare !== undefined) {
      if (this.debug) this.checkFilledWith(spare, this.blockWords, 0, 'bitmap block');
      return spare;
    }
    const block = this.unzeroed.pop();
    if (block !== undefined) this.words.fill(block, block + this.blockWords, 0);
    return block;
  }

  private takeFreshBlock(purpose: string): number {
    const block = this.takeFresh(this.blockWords, purpose);
    if (!this.freshIsZero) this.words.fill(block, block + this.blockWords, 0);
    return block;
  }

  private takeFresh(size: number, purpose: string): number {
    const first = this.top;
    if (first + size > this.words.length) {
      throw new ArenaFullError(
        `${purpose}: the arena is full: ${size * 4} bytes wanted, ` +
          `${(this.words.length - first) * 4} of ${this.words.length * 4} never used, ${this.wordsInUse * 4} in use` +
          `${this.describeAwaiting()}. ${this.describeHoarders()}Dispose of page sets that are not needed, or give ` +
          `DirtyMemory.create an arenaBytes above ${this.words.length * 4}`,
      );
    }
    this.top = first + size;
    return first;
  }

  private describeAwaiting(): string {
    let words = 0;
    for (const first of this.awaiting) words += this.live.get(first) as number;
    if (words === 0) return '';
    const holdouts = this.describeHoldouts();
    return `, of which ${words * 4} are free after a grace period${holdouts && ` (${holdouts})`}: await rcu.synchronize()`;
  }

  private enter(first: number, size: number): void {
    this.live.set(first, size);
    this.wordsInUse += size;
    this.wordsPeak = Math.max(this.wordsPeak, this.wordsInUse);
  }

  private leave(first: number, size: number, kind: string): void {
    if (this.live.get(first) !== size) {
      throw new CorruptionError(`allocator: word ${first} is freed as a ${kind}, but no ${kind} is allocated there`);
    }
    this.live.delete(first);
    this.awaiting.delete(first);
    this.wordsInUse -= size;
  }

  /** @param skipped how many words at the beginning are not checked */
  private checkFilledWith(first: number, size: number, expected: number, kind: string, skipped = 0): void {
    for (let i = first + skipped; i < first + size; i++) {
      const found = this.words.get(i);
      if (found !== expected) {
        throw new CorruptionError(
          `allocator: a freed ${kind} was written to: word ${i - first} of the one at ${first} is ${found}, not ${expected}`,
        );
      }
    }
  }
}

/** @returns the capacity of a table in words, a power of two, so that tables of similar lengths share a free list */
function tableWords(entries: number): number {
  return Math.max(LINE, 2 ** Math.ceil(Math.log2(entries + Table.Entries)));
}
