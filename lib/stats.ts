/** `DirtyMemory.stats()`: every counter of an engine, with its unit in its name. */
import type { Allocator } from './arena/allocator.js';
import type { ReaderReport } from './base/errors.js';
import type { Kernel } from './bitmap/kernel.js';
import type { BlockTables } from './dirty/block-tables.js';
import type { RamList } from './ram/ram-list.js';
import type { Rcu } from './rcu/rcu.js';

/** How much was collected for all clients since the engine was created. */
export interface CollectionCounts {
  readonly harvests: number;
  /** Only pages that were new to the set that a harvest added them to. */
  readonly pagesHarvested: number;
  readonly syncs: number;
  readonly snapshots: number;
  readonly testAndClears: number;
}

/** What `DirtyMemory.stats` returns: a plain object of numbers, and the kernel's name. */
export interface Stats extends CollectionCounts {
  /** The implementation of the bulk operations that the owner's thread uses. */
  readonly kernel: 'wasm' | 'atomics';
  readonly ramBlocks: number;
  readonly ramBytes: number;
  /** The part of `ramBytes` that is not discarded. */
  readonly ramBytesPopulated: number;
  readonly plugs: number;
  readonly unplugs: number;
  /** How often parts of RAM blocks were discarded. */
  readonly discards: number;
  /** How often parts of RAM blocks were populated. */
  readonly populates: number;
  /** How often RAM blocks were resized. */
  readonly resizes: number;
  /** How often block tables were published to grow; the tables of the three clients count once. */
  readonly extends: number;
  /** How often block tables were published to shrink; the tables of the three clients count once. */
  readonly shrinks: number;
  /** How many bitmap blocks each client has. */
  readonly bitmapBlocks: number;
  readonly gracePeriods: number;
  readonly callbacksPending: number;
  readonly readersAttached: number;
  readonly readersOnline: number;
  readonly arenaBytesReserved: number;
  readonly arenaBytesInUse: number;
  readonly arenaBytesPeak: number;
  readonly freeBlocks: number;
  /** Committed memory that is kept for reuse by later collections and plugs. */
  readonly freeBlockBytes: number;
  /** How many of the free blocks are zeroed already. */
  readonly zeroedBlocks: number;
  /** Bitmap blocks that collections have swapped out instead of emptying them. */
  readonly blocksSwapped: number;
  readonly freeTables: number;
}

/** The parts of an engine that `statsOf` reads. */
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
    ramBlocks: ram.blockCount,
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
