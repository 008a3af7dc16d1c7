/**
 * What happened when in a stress run, for the report's charts: the run in at most `MOST_SPANS` spans of equal lengths.
 * A run that lasts longer than they reach has each two neighbours made into one, and goes on with spans twice as long.
 */

/** Counts that only grow, as they are at a moment. */
export interface Growing {
  /** By place: each vCPU's, whatever thread it has, and the device's at the end. */
  readonly marks: readonly number[];
  readonly plugs: number;
  readonly unplugs: number;
  /** For VGA, CODE and MIGRATION. */
  readonly collections: readonly number[];
}

/** Sizes, as they are at a moment. */
export interface Level {
  readonly ramBytes: number;
  readonly arenaBytes: number;
}

/** A part of the run. */
export interface TimeSpan extends Level {
  /** Seconds after the start of the run. */
  readonly from: number;
  readonly to: number;
  /** What was added to the counts in this time. */
  readonly added: Growing;
  /** Grace periods that ended in it, by how long they took: the count of `n` is of 2^(n-1) to 2^n microseconds. */
  readonly periods: readonly number[];
}

const MOST_SPANS = 160;
/** The last is of everything above: four minutes. */
export const PERIOD_CLASSES = 28;

export class Timeline {
  private spans: TimeSpan[] = [];
  /** How many looks a span has. */
  private looksASpan = 1;
  private looks = 0;
  private at = 0;
  private last: Growing | undefined;
  private periods = new Array<number>(PERIOD_CLASSES).fill(0);

  /** To be told of each grace period. */
  periodEnded(milliseconds: number): void {
    const kind = Math.max(0, Math.ceil(Math.log2(milliseconds * 1000)));
    const index = Math.min(PERIOD_CLASSES - 1, Number.isFinite(kind) ? kind : 0);
    this.periods[index] = (this.periods[index] as number) + 1;
  }

  /** Begins the time of the run, at second 0. */
  begin(counts: Growing): void {
    this.last = counts;
    this.periods.fill(0);
  }

  /** To be called at equal intervals. @param second since `begin` */
  look(second: number, counts: Growing, level: Level): void {
    if (this.last === undefined || ++this.looks % this.looksASpan !== 0) return;
    this.end(second, counts, level);
    if (this.spans.length < MOST_SPANS) return;
    this.looksASpan *= 2;
    this.spans = pairs(this.spans).map(([one, two]) => joined(one, two));
  }

  /** Ends the span that has begun, however short it is: also to be called at the end of the run. */
  end(second: number, counts: Growing, level: Level): void {
    if (this.last === undefined || second <= this.at) return;
    const added = changed(this.last, counts, (before, after) => (after - before) >>> 0); // marks are modulo 2^32
    this.spans.push({ from: this.at, to: second, added, periods: this.periods, ...level });
    this.periods = new Array<number>(PERIOD_CLASSES).fill(0);
    this.at = second;
    this.last = counts;
  }

  /** The spans so far, in the order of time. */
  get all(): readonly TimeSpan[] {
    return this.spans;
  }
}

function changed(one: Growing, two: Growing, by: (one: number, two: number) => number): Growing {
  const each = (before: readonly number[], after: readonly number[]): number[] =>
    after.map((count, i) => by(before[i] as number, count));
  return {
    marks: each(one.marks, two.marks),
    plugs: by(one.plugs, two.plugs),
    unplugs: by(one.unplugs, two.unplugs),
    collections: each(one.collections, two.collections),
  };
}

function pairs<T>(items: readonly T[]): [T, T][] {
  return Array.from({ length: items.length >> 1 }, (_, i) => [items[2 * i] as T, items[2 * i + 1] as T]);
}

/** Of sizes the later ones. */
function joined(one: TimeSpan, two: TimeSpan): TimeSpan {
  return {
    ...two,
    from: one.from,
    added: changed(one.added, two.added, (a, b) => a + b),
    periods: two.periods.map((count, i) => count + (one.periods[i] as number)),
  };
}
