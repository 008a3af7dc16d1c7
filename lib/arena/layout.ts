/**
 * The layout of the arena, and the only place that knows it. All positions and sizes are in 32-bit words from the
 * arena's base; `npm run layout` prints the map.
 *
 * Words of different readers stand on different cache lines of 16 words, and so do the words that readers poll and
 * those that change with every grace period.
 */

export const MAGIC = 0x6d656d64; // the bytes 'dmem' in memory order
/** Stands in the place of `MAGIC` while an engine is being created there. */
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
  /** log2 of the pages of a bitmap block. */
  BlockShift: 5,
  MaxReaders: 6,
  /** From 1 to 2^31 - 1: tells engines apart, those of one thread and those that live in one place after each other. */
  EngineId: 7,
  /** 0, `CLOSED` or `LEFT`. */
  Closed: 8,
  /** Of the words up to `EngineId`: tells an attaching thread that one of them was written over. */
  Checksum: 9,

  /** Word index of the current block table of VGA; those of CODE and MIGRATION follow. Only the owner stores here (GP-1). */
  Roots: 1 * LINE,
  /** The highest page of any RAM, as an unsigned number; meaningless while the tables are empty. */
  LastPage: 1 * LINE + 3,
  /** The mask of clients that are tracked; the others' tables lead to the full block alone. */
  Tracked: 1 * LINE + 4,

  /** The grace-period number. Only the owner stores here (GP-1). */
  Number: 2 * LINE,

  /**
   * While the owner sleeps until readers have reported: the slot of the one that it sleeps for (GP-7), negative where the others
   * are not asked to give way (GP-8). Else 0.
   */
  Waiting: 3 * LINE,
  /** Counts wake-ups; the word the owner sleeps on (GP-7). */
  Wake: 3 * LINE + 1,
  /**
   * Grace periods completed, modulo 2^32: lets a reader tell the age of a table. The word that readers sleep on that give
   * way (GP-8).
   */
  Completed: 3 * LINE + 2,
  /** Pages that each reader without a limit of its own may turn dirty in a second; 0 for any number (DL-1). */
  Limit: 3 * LINE + 3,
  /** Counts changes of any limit; the word that limited readers sleep on (DL-1). */
  LimitChanges: 3 * LINE + 4,
  /** How long the last grace period took, in microseconds: no reader that gave way to it has slept longer (GP-8). */
  Lasted: 3 * LINE + 5,
} as const;

/** Block tables, and so roots: one a client. */
export const ROOTS = 3;

/** In `Header.Closed`: readers are to leave; the owner may still store. */
export const CLOSED = 1;
/** The owner has made its last store: another engine may be created in the place (arena/place.ts). */
export const LEFT = 2;

export const FLAG_DEBUG = 1;
export const FLAG_ATOMICS_KERNEL = 2;
/** Of one thread: the memory is not shared. */
export const FLAG_UNSHARED = 4;

/** The reader registry: one slot, a cache line, for each reader. */
export const Slots = {
  first: 4 * LINE,
  size: LINE,
} as const;

/** Within a slot. */
export const Slot = {
  /** The number last reported, or 0 for offline. */
  State: 0,
  /** The tenant's identity plus 1; `vacantOf` the engine while the slot is free. */
  Identity: 1,
  /** The grace-period number that the tenant is asked to hurry for, or 0. */
  Kick: 2,
  /** 1 from the moment the tenant begins to leave until the next tenant has come (DL-2). */
  Leaving: 3,
  /** Name in UTF-8, zero-padded, `NAME_WORDS` long. */
  Name: 4,
} as const;

/**
 * What the identity word of a free slot holds: a negative number, and another one for each engine that has lived in the
 * place, so that a thread that claims a slot of an engine that is gone finds nothing to swap (GP-5, arena/place.ts).
 */
export function vacantOf(engineId: number): number {
  return -engineId;
}

export const NAME_WORDS = Slots.size - Slot.Name;
export const NAME_BYTES = NAME_WORDS * 4;

/** Each reader's meter: a cache line, in the order of the slots. The tenant counts, the owner stores to `Limit`. */
export const Meter = {
  /** Pages that readers of the slot had turned dirty for MIGRATION at their last reports, modulo 2^32. */
  Dirtied: 0,
  /** The same by code that readers have generated: theirs to count, if they do. */
  Generated: 1,
  /** What both were together when the last tenant left. */
  Before: 2,
  /** The tenant's own limit in pages a second: 0 for `Header.Limit`, `UNLIMITED` for none. */
  Limit: 3,
} as const;

/** In `Meter.Limit`: none, whatever the others' is. */
export const UNLIMITED = -1;

/** A block table: read-only once published. */
export const Table = {
  /** How many entries it has; 0 in a freed table. */
  Length: 0,
  /** 0 while it is current; then 1. */
  Replaced: 1,
  /** `Header.Completed` at the moment it was replaced. */
  ReplacedAt: 2,
  /** The word index of each bitmap block, in order of pages. */
  Entries: 4,
} as const;

/**
 * Fills freed tables. Plus any offset within a block it is a negative index, which reads as clear and is refused by
 * every slow path.
 */
export const POISON = -(2 ** 31);

/** How many runs of a page set are extracted at once. */
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
