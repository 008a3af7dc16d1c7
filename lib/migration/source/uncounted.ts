/**
 * Finds pages that no dirty-rate limit holds back. Limits work only for readers that count the pages that they turn
 * dirty. Generated code that does not count, marks of the owner's thread, and device threads without a reader are under
 * no limit, so a guest that dirties its RAM in these ways is not slowed down.
 */
import type { Arena } from '../../arena/arena.js';
import { describeReaders } from '../../base/errors.js';
import { type DirtyMemory, engineOf } from '../../dirty-memory.js';
import { readCounts, readMeters } from '../../rate/readings.js';

/** A reader that has counted no page in this round nor in the one before. */
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
  /** The readers that have counted no page, neither in this round nor in the one before. */
  readonly readers: readonly UncountedReader[];
}

/**
 * Compares the counts of readers from one collection to the next.
 *
 * A page that turns dirty after a collection has cleared its bit, and before its reader has reported, is counted by the
 * end of this collection and delivered by the next one. Where a reader then sleeps for its limit, all that the next
 * collection finds may be such pages. So counts that are ahead of the pages are carried over. They are no more than
 * what was counted since the collection before. So where every page is counted, no round seems to lack counts; and
 * where none is, at most one round seems to have them.
 */
export class CountedPages {
  private readonly arena: Arena;
  /** By slot: the counts at the last collection, and what was counted up to it since the one before. */
  private counts: Int32Array;
  private recent: Int32Array;
  /** How many pages that the next collection may find have been counted already. */
  private ahead = 0;

  constructor(memory: DirtyMemory) {
    this.arena = engineOf(memory).arena;
    this.counts = readCounts(this.arena);
    this.recent = new Int32Array(this.counts.length);
  }

  /**
   * To be called after each collection, whose grace period has made every reader report.
   * @param pages how many pages the collection has found
   * @returns the counts since the last call
   */
  compare(pages: number): UncountedPages {
    const counts = readCounts(this.arena);
    const since = counts.map((count, slot) => count - (this.counts[slot] as number));
    const counted = since.reduce((sum, turned) => sum + (turned >>> 0), 0);
    const available = this.ahead + counted;
    const readers = readMeters(this.arena)
      .filter(({ slot }) => since[slot] === 0 && this.recent[slot] === 0)
      .map(({ name, identity, slot }) => ({ name, identity, slot }));
    this.ahead = Math.min(counted, Math.max(0, available - pages));
    this.counts = counts;
    this.recent = since;
    return { pages, counted: Math.min(pages, available), readers };
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
