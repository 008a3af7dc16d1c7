/**
 * One cell of a sweep: the same pattern and number of threads for every design, in rounds, the order turning. A window
 * that others on the machine disturbed is run again, and the best of its tries is kept. Rounds that stayed disturbed are
 * left out where enough others are left; where not, the figure is said to be disturbed.
 */
import { availableParallelism } from 'node:os';
import type { DesignName } from '../designs/designs.js';
import type { Owed } from '../harness/disturbance.js';
import { marksRanges, type Pattern } from './patterns.js';
import type { Sweep } from './sweep.js';

const TRIES = 5;
/** Rounds that make a figure without the disturbed ones. */
const ENOUGH = 3;
/** Two windows in a row that differ by less are taken for what will be. */
const STABLE = 0.05;
const MOST_WARM_UPS = 8;

/** How long a question may go on repeating what was disturbed: on a machine that is never quiet it would for ever. */
export class Patience {
  private left: number;

  constructor(milliseconds: number) {
    this.left = milliseconds;
  }

  /** The least disturbed of the tries. */
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

/** @returns for each of the runs its windows, one a round */
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

/** The rounds that are to be shown: the quiet ones, or all. */
export function shownOf<Result extends Owed>(rounds: readonly Result[]): readonly Result[] {
  const quiet = rounds.filter(({ disturbed }) => !disturbed);
  return quiet.length >= ENOUGH ? quiet : rounds;
}

/** More threads than cores take turns: a window has to see several. */
export function windowFor(threads: number, milliseconds: number): number {
  return threads > availableParallelism() ? 3 * milliseconds : milliseconds;
}

/** Every thread runs every design until two windows in a row are alike, with marks of pages and of ranges as asked. */
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
