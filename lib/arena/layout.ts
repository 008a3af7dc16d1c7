/**
 * The layout of the arena, and the only place that knows it. All positions and sizes are in 32-bit words from the
 * arena's base; `npm run layout` prints the map.
 *
 * Words of different readers are on different cache lines of 16 words. The words that readers poll and the words that
 * change with every grace period are on different cache lines too.
 */

export const MAGIC = 0x6d656d64; // the bytes 'dmem' in memory order
/** Is stored instead of `MAGIC` while an engine is being created. */
export const CREATING = ~MAGIC;
export const VERSION = 3;
export const LINE = 16;

/** The header: written once at creation, and read by every attach. */
export const Header = {
  Magic: 0,
  Version: 1,
  /** Size of the arena in words, as an unsigned number. */
  Length: 2,
  /** `FLAG_DEBUG`, `FLAG_ATOMICS_KERNEL`, `FLAG_UNSHARED`. */
  Flags: 3,
  /** log2 of the page size in bytes. */
  PageShift: 4,
  /** log2 of the number of pages that a bitmap block covers. */
  BlockShift: 5,
  MaxReaders: 6,
  /**
   * From 1 to 2^31 - 1. Tells apart the engines of one thread, and the engines that live in one place one after
   * another.
   */
  EngineId: 7,
  /** 0, `CLOSED` or `LEFT`. */
  Closed: 8,
  /**
   * The checksum of the words up to `EngineId`, by which an attaching thread notices that one of them was overwritten.
   */
  Checksum: 9,

  /**
   * Word indices of the current block tables of VGA, CODE and MIGRATION, in this order. Only the owner stores here
   * (GP-1).
   */
  Roots: 1 * LINE,
  /** The highest page of any RAM, as an unsigned number; meaningless while the tables are empty. */
  LastPage: 1 * LINE + 3,
  /** The mask of tracked clients; the tables of other clients point only to the full block. */
  Tracked: 1 * LINE + 4,

  /** The grace-period number. Only the owner stores here (GP-1). */
  Number: 2 * LINE,

  /**
   * While the owner sleeps until readers have reported, this is the slot of the reader that it sleeps for (GP-7). It is
   * the negated slot while the other readers are not asked to give way (GP-8). At other times it is 0.
   */
  Waiting: 3 * LINE,
  /** Counts wake-ups; the word the owner sleeps on (GP-7). */
  Wake: 3 * LINE + 1,
  /**
   * How many grace periods have been completed, modulo 2^32. It tells a reader the age of a table. Readers that give
   * way sleep on this word (GP-8).
   */
  Completed: 3 * LINE + 2,
  /** How many pages each reader without a limit of its own may turn dirty in a second; 0 for no limit (DL-1). */
  Limit: 3 * LINE + 3,
  /** Counts changes of any limit; the word that limited readers sleep on (DL-1). */
  LimitChanges: 3 * LINE + 4,
  /** How long the last grace period took, in microseconds: no reader that gave way to it has slept longer (GP-8). */
  Lasted: 3 * LINE + 5,
} as const;

/** How many block tables, and so roots, there are: one for each client. */
export const ROOTS = 3;

/** In `Header.Closed`: readers have to leave; the owner may still store. */
export const CLOSED = 1;
/** In `Header.Closed`: the owner has made its last store, and another engine may be created here (arena/place.ts). */
export const LEFT = 2;

export const FLAG_DEBUG = 1;
export const FLAG_ATOMICS_KERNEL = 2;
/** The memory is not shared: the engine belongs to one thread. */
export const FLAG_UNSHARED = 4;

/** The reader registry: a slot of one cache line for each reader. */
export const Slots = {
  first: 4 * LINE,
  size: LINE,
} as const;

/** The words of a slot. */
export const Slot = {
  /** The number last reported, or 0 for offline. */
  State: 0,
  /** The tenant's identity plus 1; `vacantOf` the engine while the slot is free. */
  Identity: 1,
  /** The number of the grace period for which the tenant is asked to hurry, or 0. */
  Kick: 2,
  /** 1 from the moment the tenant begins to leave until the next tenant has come (DL-2). */
  Leaving: 3,
  /** The name in UTF-8, zero-padded, `NAME_WORDS` long. */
  Name: 4,
} as const;

/**
 * What the identity word of a free slot holds: a negative number that is different for each engine that has lived in
 * the place. So a thread that tries to claim a slot of an engine that is gone never finds the value it expects (GP-5,
 * arena/place.ts).
 */
export function vacantOf(engineId: number): number {
  return -engineId;
}

export const NAME_WORDS = Slots.size - Slot.Name;
export const NAME_BYTES = NAME_WORDS * 4;

/** A reader's meter: one cache line, in the order of the slots. The tenant counts; the owner stores to `Limit`. */
export const Meter = {
  /** How many pages readers of the slot had turned dirty for MIGRATION at their last reports, modulo 2^32. */
  Dirtied: 0,
  /** How many pages code that readers have generated turned dirty. This code counts them itself, or not at all. */
  Generated: 1,
  /** The sum of both counts when the last tenant left. */
  Before: 2,
  /** The tenant's own limit in pages a second: 0 for `Header.Limit`, `UNLIMITED` for none. */
  Limit: 3,
} as const;

/** In `Meter.Limit`: this tenant has no limit, whatever `Header.Limit` is. */
export const UNLIMITED = -1;

/** A block table: read-only once published. */
export const Table = {
  /** How many entries it has; 0 in a freed table. */
  Length: 0,
  /** 0 while the table is current; 1 after it was replaced. */
  Replaced: 1,
  /** `Header.Completed` at the moment the table was replaced. */
  ReplacedAt: 2,
  /** The word index of each bitmap block, in order of pages. */
  Entries: 4,
} as const;

/**
 * The value that fills freed tables. With any offset within a block added it stays a negative index, which reads as
 * clear and which every slow path refuses.
 */
export const POISON = -(2 ** 31);

/** How many runs of a page set can be extracted at once. */
export const RUN_CAPACITY = 32;

export interface Regions {
  /** The all-zero block that table entries without a block point to. Nobody ever writes to it. */
  readonly zeroBlock: number;
  /** Where the owner's kernel writes the runs of page sets: `RUN_CAPACITY` runs, each two words. */
  readonly runs: number;
  /** The first reader's meter. */
  readonly meters: number;
  /** Where the allocator's memory begins; it ends with the arena. */
  readonly heap: number;
}

export function regionsOf(maxReaders: number, blockWords: number): Regions {
  const zeroBlock = Slots.first + maxReaders * Slots.size;
  const runs = zeroBlock + Math.max(blockWords, LINE);
  const meters = runs + 2 * RUN_CAPACITY;
  return { zeroBlock, runs, meters, heap: meters + maxReaders * Slots.size };
}

/** @returns word index of the meter of the reader with that slot */
export function meterOf(regions: Regions, slot: number): number {
  return regions.meters + slot - Slots.first;
}
