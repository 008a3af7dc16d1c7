/**
 * One cell of a sweep: the same pattern and number of threads for every design, measured in rounds, in rotating order.
 * A window that other processes disturbed is repeated, and the best of its tries is kept. Rounds that stayed disturbed
 * are left out if enough others remain; otherwise the figure is marked as disturbed.
 */
import { availableParallelism } from 'node:os';
import type { DesignName } from '../designs/designs.js';
import type { Owed } from '../harness/disturbance.js';
import { marksRanges, type Pattern } from './patterns.js';
import type { Sweep } from './sweep.js';

const TRIES = 5;
/** With at least this many quiet rounds, the disturbed ones are left out. */
const ENOUGH = 3;
/** The warm-up ends when two windows in a row differ by less than this. */
const STABLE = 0.05;
const MOST_WARM_UPS = 8;

/** Limits how long a question repeats disturbed windows, which would never end on a machine that is never quiet. */
export class Patience {
  private left: number;

  constructor(milliseconds: number) {
    this.left = milliseconds;
  }

  /** @returns the least disturbed of the tries */
  async best<Result extends Owed>(run: () => Promise<Result>): Promise<Result> {
    let best = await run();
    for (let tries = 1; best.disturbed && tries < TRIES && this.left > 0; tries++) {
      const began = performance.now();
      const again = await run();
      if (again.share > best.share) best = again;
      this.left -= performance.now() - began;
    }
    return best;
  }
}

/** @returns for each of the runs its windows, one for each round */
export async function measureCell<Result extends Owed>(
  runs: readonly (() => Promise<Result>)[],
  rounds: number,
  patience: Patience,
): Promise<Result[][]> {
  const results: Result[][] = runs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < runs.length; i++) {
      const at = (i + round) % runs.length;
      results[at]?.push(await patience.best(runs[at] as () => Promise<Result>));
    }
  }
  return results;
}

/** @returns the rounds to use for the figures: the quiet ones if they are enough, otherwise all */
export function shownOf<Result extends Owed>(rounds: readonly Result[]): readonly Result[] {
  const quiet = rounds.filter(({ disturbed }) => !disturbed);
  return quiet.length >= ENOUGH ? quiet : rounds;
}

/** Windows are longer when there are more threads than cores, so that every thread gets several turns. */
export function windowFor(threads: number, milliseconds: number): number {
  return threads > availableParallelism() ? 3 * milliseconds : milliseconds;
}

/**
 * Runs every design on every thread until two windows in a row are alike, with the kinds of marks that will be
 * measured.
 */
export async function warmUp(
  sweep: Sweep,
  designs: readonly DesignName[],
  patterns: readonly Pattern[],
  threads: number,
): Promise<void> {
  const oneOfEachKind = new Map(patterns.map((pattern) => [marksRanges(pattern), pattern])).values();
  for (const pattern of oneOfEachKind) {
    for (const design of designs) {
      let last = 0;
      for (let i = 0; i < MOST_WARM_UPS; i++) {
        const { rates } = await sweep.run({ design, pattern, threads, milliseconds: 50 });
        const slowest = Math.min(...rates);
        if (Math.abs(slowest / last - 1) < STABLE) break;
        last = slowest;
      }
    }
  }
}
