/**
 * Finds pages that no dirty-rate limit holds back. Limits work only for readers that count the pages that they turn
 * dirty. Generated code that does not count, marks of the owner's thread, and device threads without a reader are under
 * no limit, so a guest that dirties its RAM in these ways is not slowed down.
 */
import type { Arena } from '../../arena/arena.js';
import { describeReaders } from '../../base/errors.js';
import { type DirtyMemory, engineOf } from '../../dirty-memory.js';
import { dirtiedSince, type Reading, readMeters } from '../../rate/readings.js';

/** A reader that has counted no page. */
export interface UncountedReader {
  readonly name: string;
  readonly identity: number;
  /** Position in the reader registry. */
  readonly slot: number;
}

/** How many of the pages that were dirtied in one round were counted by readers. */
export interface UncountedPages {
  /** How many pages were dirtied. */
  readonly pages: number;
  /** How many of these pages readers have counted. */
  readonly counted: number;
  /** The readers that have counted no page. */
  readonly readers: readonly UncountedReader[];
}

/** Compares the counts of readers from one collection to the next. */
export class CountedPages {
  private readonly arena: Arena;
  private earlier = new Map<number, Reading>();

  constructor(memory: DirtyMemory) {
    this.arena = engineOf(memory).arena;
  }

  /**
   * To be called after each collection, whose grace period has made every reader report.
   * @param pages how many pages the collection has found
   * @returns the counts since the last call
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

/** Were more than half of the pages counted by no reader? */
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
