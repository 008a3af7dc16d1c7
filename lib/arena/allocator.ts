/**
 * Allocates block tables and bitmap blocks in the arena. The owner alone runs it, and its bookkeeping is private to
 * the owner's thread: nothing of it is shared.
 *
 * Whoever frees vouches that no reader can reach the memory any more (its grace period has ended, or it was never
 * published), so everything here is owned and accessed plainly (DM-1).
 *
 * A freed block is zeroed, so that it can be published again as it is; a freed table is filled with `POISON`. In
 * debug mode both are checked on reuse, which shows the mark that came too late.
 */
import { ArenaFullError, CorruptionError } from '../errors.js';
import type { Arena } from './arena.js';
import { LINE, POISON, Table } from './layout.js';
import type { Words } from './words.js';

export interface AllocatorStats {
  /** All of the arena, header and reader slots included. */
  readonly bytesReserved: number;
  readonly bytesInUse: number;
  readonly bytesPeak: number;
  /** Bitmap blocks that wait, zeroed, for reuse. */
  readonly freeBlocks: number;
  /** Block tables that wait, invalidated, for reuse. */
  readonly freeTables: number;
}

export class Allocator {
  readonly blockWords: number;
  private readonly words: Words;
  private readonly debug: boolean;
  /** Memory that was never used is zero, unless it is the embedder's. */
  private readonly freshIsZero: boolean;
  private readonly freeBlockList: number[] = [];
  /** By capacity in words. */
  private readonly freeTableLists = new Map<number, number[]>();
  /** Sizes in words of all that is allocated. */
  private readonly live = new Map<number, number>();
  /** The memory may be another engine's by now: nothing is touched any more. */
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

  /** @returns word index of an all-zero block. @throws ArenaFullError, whose message begins with `purpose` */
  allocateBlock(purpose: string): number {
    const reused = this.freeBlockList.pop();
    const block = reused ?? this.takeFresh(this.blockWords, purpose);
    if (reused === undefined && !this.freshIsZero) this.words.fill(block, block + this.blockWords, 0);
    if (reused !== undefined && this.debug) this.checkFilledWith(block, this.blockWords, 0, 'bitmap block');
    this.enter(block, this.blockWords);
    return block;
  }

  freeBlock(block: number): void {
    this.leave(block, this.blockWords, 'bitmap block');
    this.words.fill(block, block + this.blockWords, 0);
    this.freeBlockList.push(block);
  }

  /** @returns word index of a table with room for `entries` entries; its contents are undefined. @throws ArenaFullError */
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
    let freeTables = 0;
    for (const list of this.freeTableLists.values()) freeTables += list.length;
    return {
      bytesReserved: this.words.length * 4,
      bytesInUse: this.wordsInUse * 4,
      bytesPeak: this.wordsPeak * 4,
      freeBlocks: this.freeBlockList.length,
      freeTables,
    };
  }

  private takeFresh(size: number, purpose: string): number {
    const first = this.top;
    if (first + size > this.words.length) {
      throw new ArenaFullError(
        `${purpose}: the arena is full: ${size * 4} bytes wanted, ` +
          `${(this.words.length - first) * 4} of ${this.words.length * 4} never used, ${this.wordsInUse * 4} in use`,
      );
    }
    this.top = first + size;
    return first;
  }

  private enter(first: number, size: number): void {
    this.live.set(first, size);
    this.wordsInUse += size;
    this.wordsPeak = Math.max(this.wordsPeak, this.wordsInUse);
  }

  private leave(first: number, size: number, kind: string): void {
    if (size === 0 || this.live.get(first) !== size) {
      throw new CorruptionError(`allocator: word ${first} is freed as a ${kind}, which it is not`);
    }
    this.live.delete(first);
    this.wordsInUse -= size;
  }

  /** @param skipped how many words at its beginning hold something else */
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

/** Powers of two, so that tables of nearby lengths share free lists. */
function tableWords(entries: number): number {
  return Math.max(LINE, 2 ** Math.ceil(Math.log2(entries + Table.Entries)));
}
