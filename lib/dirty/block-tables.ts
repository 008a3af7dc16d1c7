/**
 * The owner's side of the three block tables (QEMU: DirtyMemoryBlocks): grows and shrinks them under RCU.
 *
 * A table is the RCU-protected array of bitmap block positions. A published table never changes; growing, shrinking and
 * swapping build a new table and publish it.
 *
 * - Growing populates, then publishes: a reader that loads the new root finds blocks that are already zeroed or filled
 *   (plain stores before the publishing store, DM-1). Both tables point to the old blocks, so a mark through either
 *   table sets the same bit. Only the old table is freed, after a grace period.
 * - Shrinking publishes first, and frees the old table and the dropped blocks only after a grace period, when no reader
 *   can hold the old table (GP-6). An entry without a block points to the all-zero block: a mark reads a clear bit
 *   there and takes its slow path, which refuses it; nothing is ever written to it.
 * - Swapping replaces some blocks of one client by fresh ones. Only the old table is freed here; the collection owns
 *   the old blocks from the end of the grace period on (DM-3, dirty/collector.ts).
 *
 * - A client that nobody tracks has no blocks of its own: its entries point to the *full block* instead, in which every
 *   bit is set. Marks find the bit set, and queries find everything dirty, which is right for a client that nobody
 *   collects. The full block never changes: marks write only clear bits, imports only set bits that are already set,
 *   and nobody collects the client. Its contents precede the first publishing of a table that points to it (GP-1).
 *
 * The tables of the three clients have the same length and blocks for the same pages. Both follow from the blocks that
 * exist, never from the RAM that is plugged now (QEMU's b84f06c2bee7 fixed a bug of this kind).
 */
import type { Allocator } from '../arena/allocator.js';
import type { Arena } from '../arena/arena.js';
import { Header, Table } from '../arena/layout.js';
import { Kind, Published, type PublishReason } from '../arena/trace-kinds.js';
import { ArenaFullError } from '../base/errors.js';
import type { Kernel } from '../bitmap/kernel.js';
import { ALL_CLIENTS, CLIENTS } from './client.js';
import { ClientBitmap, type Entry } from './client-bitmap.js';
import { eachBlock, type PageRange } from './page-range.js';

/** Frees what was replaced. It must run after a grace period that is requested after the replacement (GP-1). */
export type AfterGracePeriod = () => void;

/** Fresh blocks, and an unpublished table that points to them. */
export interface Swap {
  /** The numbers of the blocks that have a fresh block; the arena had no room for the others. */
  readonly numbers: readonly number[];
  cancel(): void;
  /** @returns the blocks that were swapped out, and what to run after a grace period */
  publish(): { readonly swapped: readonly Entry[]; readonly release: AfterGracePeriod };
}

export type NewTable = readonly [bitmap: ClientBitmap, table: number];

export class BlockTables {
  /** Tables published to grow, counting three clients as one. */
  extends = 0;
  /** Tables published to shrink, counting three clients as one. */
  shrinks = 0;
  /** Blocks that collections have swapped out. */
  swaps = 0;
  protected readonly arena: Arena;
  protected readonly allocator: Allocator;
  private readonly kernel: Kernel;
  /** The bitmaps of VGA, CODE and MIGRATION, in the order of their roots. */
  readonly clients: readonly ClientBitmap[];
  private length = 0;
  /** Undefined when every client is tracked from the beginning. */
  private readonly fullBlock: number | undefined;

  /** @param tracked the mask of clients that are tracked from the beginning; the others have no blocks until `start` */
  constructor(arena: Arena, allocator: Allocator, kernel: Kernel, tracked: number) {
    this.arena = arena;
    this.allocator = allocator;
    this.kernel = kernel;
    this.clients = CLIENTS.map((client) => new ClientBitmap(arena, client, (tracked & client) !== 0));
    if (tracked !== ALL_CLIENTS) {
      this.fullBlock = allocator.allocateBlock('DirtyMemory.create: the full block');
      kernel.setOwned(this.fullBlock, 0, arena.geometry.pagesPerBlock);
    }
    this.publishTracked(tracked);
    for (const bitmap of this.clients) bitmap.publish(this.build(bitmap, 0, [], 'DirtyMemory.create'));
  }

  /** The mask of clients that have blocks of their own. */
  get tracked(): number {
    return this.clients.reduce((mask, bitmap) => (bitmap.tracked ? mask | bitmap.client : mask), 0);
  }

  hasBlock(number: number): boolean {
    return (this.clients[0] as ClientBitmap).blockAt(number) !== this.arena.regions.zeroBlock;
  }

  /** How many blocks each client has. */
  get blocks(): number {
    return this.numbers().length;
  }

  /**
   * Adds the blocks that the range lacks (QEMU: dirty_memory_extend); the bits of fresh blocks are clear. With `dirty`,
   * sets the bits of the range for every client: in fresh blocks before they are published, in others by atomic or.
   * @returns what to run after a grace period, if anything was replaced
   * @throws ArenaFullError naming the allocation that failed, with nothing changed
   */
  extend(range: PageRange, dirty: boolean, purpose: string): AfterGracePeriod | undefined {
    const { pagesPerBlock } = this.arena.geometry;
    const missing: number[] = [];
    eachBlock(range, pagesPerBlock, (number) => {
      if (!this.hasBlock(number)) missing.push(number);
    });
    const fresh = this.allocateBlocks(missing, purpose);
    let release: AfterGracePeriod | undefined;
    if (missing.length > 0) {
      const length = Math.max(this.length, (missing.at(-1) as number) + 1);
      const built = this.buildAll(length, fresh, purpose, () => {
        for (const entries of fresh) this.freeBlocks(entries);
      });
      if (dirty) for (const entries of fresh) this.fill(range, new Map(entries));
      this.length = length;
      release = this.publish(built, Published.Extend);
      this.extends++;
    }
    if (!dirty) return release;
    const isFresh = new Set(missing);
    for (const bitmap of this.clients) this.setDirty(bitmap, range, isFresh);
    return release;
  }

  /** Sets the range's bits by atomic or in the blocks that exist, except in the blocks of `isDirty`. */
  setDirty(bitmap: ClientBitmap, range: PageRange, isDirty: ReadonlySet<number> = new Set()): void {
    eachBlock(range, this.arena.geometry.pagesPerBlock, (number, from, to) => {
      if (!isDirty.has(number)) this.kernel.setLive(bitmap.blockAt(number), from, to);
    });
  }

  /**
   * Gives an untracked client blocks of its own, in which the given RAM is dirty. New RAM is dirty too. So a page turns
   * dirty only after a collection has cleared it, and counts of pages that turn dirty rely on this.
   * @returns what to run after a grace period
   * @throws ArenaFullError with nothing changed
   */
  start(bitmap: ClientBitmap, ram: Iterable<PageRange>, purpose: string): AfterGracePeriod {
    const fresh = this.allocateBlocksOf(bitmap, this.numbers(), purpose);
    let table: number;
    try {
      table = this.build(bitmap, this.length, fresh, purpose);
    } catch (error) {
      this.freeBlocks(fresh);
      throw error;
    }
    const blocks = new Map(fresh);
    for (const range of ram) this.fill(range, blocks);
    const release = this.publish([[bitmap, table]], Published.Track);
    bitmap.tracked = true;
    this.publishTracked(this.tracked);
    return release;
  }

  /**
   * Takes all blocks from a tracked client.
   * @returns what to run after a grace period
   * @throws ArenaFullError with nothing changed
   */
  stop(bitmap: ClientBitmap, purpose: string): AfterGracePeriod {
    const owned = this.numbers().map((number): Entry => [number, bitmap.blockAt(number)]);
    const full = owned.map(([number]): Entry => [number, this.fullBlock as number]);
    const table = this.build(bitmap, this.length, full, purpose);
    const freeTable = this.publish([[bitmap, table]], Published.Stop);
    this.awaitPeriod(owned);
    bitmap.tracked = false;
    this.publishTracked(this.tracked);
    return () => {
      freeTable();
      this.freeBlocks(owned);
    };
  }

  /**
   * Drops the blocks of the range for which `isNeeded` is false, and shortens the tables to their last block.
   * @returns what to run after a grace period, if anything was replaced
   * @throws ArenaFullError with nothing changed (the new tables are allocated before the old ones are free)
   */
  shrink(range: PageRange, isNeeded: (number: number) => boolean, purpose: string): AfterGracePeriod | undefined {
    const { zeroBlock } = this.arena.regions;
    const dropped = new Set<number>();
    eachBlock(range, this.arena.geometry.pagesPerBlock, (number) => {
      if (this.hasBlock(number) && !isNeeded(number)) dropped.add(number);
    });
    if (dropped.size === 0) return undefined;
    const last = this.numbers().findLast((number) => !dropped.has(number)) ?? -1;
    const length = last + 1;
    const cleared: Entry[] = [...dropped].filter((number) => number < length).map((number) => [number, zeroBlock]);
    const built = this.buildAll(
      length,
      this.clients.map(() => cleared),
      purpose,
      () => {},
    );
    const blocks = this.clients.flatMap((bitmap) =>
      [...dropped].map((number): Entry => [number, bitmap.blockAt(number)]),
    );
    this.length = length;
    const freeTables = this.publish(built, Published.Shrink);
    this.awaitPeriod(blocks);
    this.shrinks++;
    return () => {
      freeTables();
      this.freeBlocks(blocks);
    };
  }

  /**
   * Prepares to replace some of one client's blocks by fresh ones, as many as the arena has room for. The caller owns
   * the swapped-out blocks from the end of the grace period on (DM-3).
   * @returns undefined when there is no room at all
   */
  prepareSwap(bitmap: ClientBitmap, numbers: readonly number[]): Swap | undefined {
    const fresh: Entry[] = [];
    try {
      for (const number of numbers) fresh.push([number, this.allocator.allocateBlock('swapping')]);
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
    }
    if (fresh.length === 0) return undefined;
    let table: number;
    try {
      table = this.build(bitmap, this.length, fresh, 'swapping');
    } catch (error) {
      this.freeBlocks(fresh);
      if (!(error instanceof ArenaFullError)) throw error;
      return undefined;
    }
    return {
      numbers: fresh.map(([number]) => number),
      cancel: () => {
        this.freeBlocks(fresh);
        this.allocator.freeTable(table);
      },
      publish: () => {
        const swapped = fresh.map(([number]): Entry => [number, bitmap.blockAt(number)]);
        this.swaps += swapped.length;
        return { swapped, release: this.publish([[bitmap, table]], Published.Swap) };
      },
    };
  }

  /** Tells readers where RAM ends. Must be called before anyone is told of RAM up to there. */
  setRamEnd(endPage: number): void {
    // ORDER DM-4: store before the announcement: a reader that hears of new RAM reloads the roots, then this word. Else
    //   the reader refuses a mark to RAM that exists (the vCPU throws).
    // needs: store-store order, which the announcement gives (release): a plain store would do
    // pairs with: dirty/vcpu.ts loadRoots
    if (endPage > 0) this.arena.words.store(Header.LastPage, endPage - 1);
  }

  /**
   * Leaves no page with a bitmap block. This stops generated code, which looks only at roots and tables. The roots
   * point to the all-zero block, which reads as a table without entries.
   */
  close(): void {
    for (const { root } of this.clients) {
      // ORDER GP-1: this store precedes the number that ends the last interval (release).
      // needs: store-store order, which the store of the number gives: a plain store would do, since the all-zero block
      //   has not changed since the engine was created
      // pairs with: dirty/vcpu.ts loadRoots
      this.arena.words.store(Header.Roots + root, this.arena.regions.zeroBlock);
    }
  }

  private allocateBlocks(numbers: readonly number[], purpose: string): Entry[][] {
    const fresh: Entry[][] = [];
    try {
      for (const bitmap of this.clients) {
        fresh.push(
          bitmap.tracked
            ? this.allocateBlocksOf(bitmap, numbers, purpose)
            : numbers.map((number) => [number, this.fullBlock as number]),
        );
      }
    } catch (error) {
      for (const entries of fresh) this.freeBlocks(entries);
      throw error;
    }
    return fresh;
  }

  private allocateBlocksOf({ name }: ClientBitmap, numbers: readonly number[], purpose: string): Entry[] {
    const fresh: Entry[] = [];
    try {
      for (const number of numbers) {
        fresh.push([number, this.allocator.allocateBlock(`${purpose}: bitmap block ${number} of client ${name}`)]);
      }
    } catch (error) {
      this.freeBlocks(fresh);
      throw error;
    }
    return fresh;
  }

  private awaitPeriod(entries: readonly Entry[]): void {
    for (const [, block] of entries) if (block !== this.fullBlock) this.allocator.awaitPeriod(block);
  }

  protected freeBlocks(entries: readonly Entry[]): void {
    for (const [, block] of entries) if (block !== this.fullBlock) this.allocator.freeBlock(block);
  }

  /** The numbers of the blocks that exist. */
  private numbers(): number[] {
    const numbers: number[] = [];
    for (let number = 0; number < this.length; number++) if (this.hasBlock(number)) numbers.push(number);
    return numbers;
  }

  protected publishTracked(mask: number): void {
    // ORDER DM-6: this store is in the step that publishes the client's table and requests a grace period. It precedes
    //   the number, so that an interval with the new number has the new mask too. In an interval with an older number,
    //   a mask that is older or newer than its table does no harm.
    // needs: store-store order, which the store of the number gives: a plain store would do
    // pairs with: dirty/vcpu.ts loadRoots
    this.arena.words.store(Header.Tracked, mask);
  }

  private fill(range: PageRange, blocks: ReadonlyMap<number, number>): void {
    eachBlock(range, this.arena.geometry.pagesPerBlock, (number, from, to) => {
      const block = blocks.get(number);
      if (block !== undefined && block !== this.fullBlock) this.kernel.setOwned(block, from, to);
    });
  }

  /** Builds a new table for each client. When one cannot be built, frees the others, calls `undo` and throws. */
  private buildAll(
    length: number,
    changes: readonly (readonly Entry[])[],
    purpose: string,
    undo: () => void,
  ): NewTable[] {
    const built: NewTable[] = [];
    try {
      for (const bitmap of this.clients) {
        built.push([bitmap, this.build(bitmap, length, changes[bitmap.root] as readonly Entry[], purpose)]);
      }
    } catch (error) {
      for (const [, table] of built) this.allocator.freeTable(table);
      undo();
      throw error;
    }
    return built;
  }

  /**
   * Builds a copy of the client's table with another length and some entries changed. The table is unpublished, so all
   * accesses are plain (DM-1).
   */
  protected build(bitmap: ClientBitmap, length: number, changes: readonly Entry[], purpose: string): number {
    const { words } = this.arena;
    const table = this.allocator.allocateTable(length, `${purpose}: block table of client ${bitmap.name}`);
    const entries = table + Table.Entries;
    words.set(table + Table.Length, length);
    words.set(table + Table.Replaced, 0);
    for (let number = 0; number < length; number++) words.set(entries + number, bitmap.blockAt(number));
    for (const [number, block] of changes) words.set(entries + number, block);
    return table;
  }

  /** Publishes new tables. @returns what frees the replaced tables after a grace period */
  protected publish(built: readonly NewTable[], why: PublishReason): AfterGracePeriod {
    const { recorder, words } = this.arena;
    recorder?.note(
      Kind.Publish,
      why,
      built.reduce((mask, [{ client }]) => mask | client, 0),
    );
    const replaced = built.map(([bitmap, table]) => bitmap.publish(table));
    for (const table of replaced) {
      this.allocator.awaitPeriod(table);
      // ORDER: store the time before the flag (store-store), so that the torture's age check never sees the flag alone.
      // pairs with: stress/table-watch.ts look
      words.store(table + Table.ReplacedAt, words.load(Header.Completed));
      words.store(table + Table.Replaced, 1);
    }
    return () => {
      for (const table of replaced) this.allocator.freeTable(table);
    };
  }
}
