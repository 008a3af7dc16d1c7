/** `DirtyMemory.stats()`: every counter of an engine, with its unit in its name. */
import type { Allocator } from './arena/allocator.js';
import type { ReaderReport } from './base/errors.js';
import type { Kernel } from './bitmap/kernel.js';
import type { BlockTables } from './dirty/block-tables.js';
import type { RamList } from './ram/ram-list.js';
import type { Rcu } from './rcu/rcu.js';

/** What was collected since the engine was created, of all clients. */
export interface CollectionCounts {
  readonly harvests: number;
  /** New to the set they were added to. */
  readonly pagesHarvested: number;
  readonly syncs: number;
  readonly snapshots: number;
  readonly testAndClears: number;
}

/** What `DirtyMemory.stats` returns: a plain object of numbers, and the kernel's name. */
export interface Stats extends CollectionCounts {
  /** Which implementation of the bulk operations the owner's thread has. */
  readonly kernel: 'wasm' | 'atomics';
  readonly ramBlocks: number;
  readonly ramBytes: number;
  /** Of those, what is not discarded. */
  readonly ramBytesPopulated: number;
  readonly plugs: number;
  readonly unplugs: number;
  /** Of parts of RAM blocks, as the next. */
  readonly discards: number;
  readonly populates: number;
  /** Of RAM blocks. */
  readonly resizes: number;
  /** Block tables published to grow, the three clients' counted as one. */
  readonly extends: number;
  readonly shrinks: number;
  /** Of one client. */
  readonly bitmapBlocks: number;
  readonly gracePeriods: number;
  readonly callbacksPending: number;
  readonly readersAttached: number;
  readonly readersOnline: number;
  readonly arenaBytesReserved: number;
  readonly arenaBytesInUse: number;
  readonly arenaBytesPeak: number;
  readonly freeBlocks: number;
  /** Committed memory held for reuse: the spares of the next collections and pluggings. */
  readonly freeBlockBytes: number;
  /** Of the free blocks, those that are zeroed already. */
  readonly zeroedBlocks: number;
  /** Bitmap blocks that collections have swapped out instead of emptying them. */
  readonly blocksSwapped: number;
  readonly freeTables: number;
}

/** What is counted. */
interface Counted {
  readonly kernel: Kernel;
  readonly ram: RamList;
  readonly tables: BlockTables;
  readonly rcu: Rcu;
  readonly allocator: Allocator;
  readonly counts: CollectionCounts;
}

export function statsOf(
  { kernel, ram, tables, rcu, allocator, counts }: Counted,
  readers: readonly ReaderReport[],
): Stats {
  const memory = allocator.stats();
  return {
    ...counts,
    kernel: kernel.name,
    ramBlocks: ram.blocks,
    ramBytes: ram.bytes,
    ramBytesPopulated: ram.populatedBytes,
    ...ram.counts,
    extends: tables.extends,
    shrinks: tables.shrinks,
    bitmapBlocks: tables.blocks,
    gracePeriods: rcu.completed,
    callbacksPending: rcu.pendingCallbacks,
    readersAttached: readers.length,
    readersOnline: readers.filter((reader) => reader.online).length,
    arenaBytesReserved: memory.bytesReserved,
    arenaBytesInUse: memory.bytesInUse,
    arenaBytesPeak: memory.bytesPeak,
    freeBlocks: memory.freeBlocks,
    freeBlockBytes: memory.freeBlockBytes,
    zeroedBlocks: memory.zeroedBlocks,
    blocksSwapped: tables.swaps,
    freeTables: memory.freeTables,
  };
}
