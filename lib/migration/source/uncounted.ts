/**
 * Limits on dirtied pages hold readers that count what they turn dirty. Generated code that does not count, marks of the owner's
 * thread and device threads without a reader are held by none, and a guest that dirties its RAM so is not slowed down.
 */
import type { Arena } from '../../arena/arena.js';
import { describeReaders } from '../../base/errors.js';
import { type DirtyMemory, engineOf } from '../../dirty-memory.js';
import { dirtiedSince, type Reading, readMeters } from '../../rate/readings.js';

/** A reader that has counted none of the pages. */
export interface UncountedReader {
  readonly name: string;
  readonly identity: number;
  /** Position in the reader registry. */
  readonly slot: number;
}

/** Pages that no limit holds back, of one round. */
export interface UncountedPages {
  /** How many were dirtied. */
  readonly pages: number;
  /** How many of these readers have counted. */
  readonly counted: number;
  /** The readers that have counted none. */
  readonly readers: readonly UncountedReader[];
}

/** What readers count from one collection to the next. */
export class CountedPages {
  private readonly arena: Arena;
  private earlier = new Map<number, Reading>();

  constructor(memory: DirtyMemory) {
    this.arena = engineOf(memory).arena;
  }

  /**
   * To be called after each collection, whose grace period has every reader report.
   * @param pages how many the collection has found
   * @returns what was counted since the last call
   */
  compare(pages: number): UncountedPages {
    const readings = readMeters(this.arena);
    let counted = 0;
    const readers: UncountedReader[] = [];
    for (const reading of readings) {
      const dirtied = dirtiedSince(this.earlier.get(reading.slot), reading);
      counted += dirtied;
      const { name, identity, slot } = reading;
      if (dirtied === 0) readers.push({ name, identity, slot });
    }
    this.earlier = new Map(readings.map((reading) => [reading.slot, reading]));
    return { pages, counted, readers };
  }
}

/** Are most of the pages counted by nobody? */
export function areUncounted({ pages, counted }: UncountedPages): boolean {
  return counted * 2 < pages;
}

export function describeUncounted({ pages, counted, readers }: UncountedPages): string {
  const who = readers.length === 0 ? '' : `; none by ${describeReaders(readers)}`;
  return (
    `of ${pages} dirty pages of the last round, vCPUs have counted ${counted}${who}. What is not counted is not limited: ` +
    'generated code must add to its meter and look at the limits (docs/abi.md, "Dirty rates"); pages that devices and the ' +
    "owner's thread mark are not counted. Give the machine a throttle of its own, or cancel the migration"
  );
}
