/**
 * What of each scenario is explored, and how much that is at least: a bound that is no longer reached says that a
 * scenario has lost what it was there for, however well it passes. Counts are a little below what was seen.
 */
import type { Exploration } from './checker/crew.js';
import type { MemoryModel, Plan } from './checker/plan.js';

export interface CoveredRun {
  readonly scenario: string;
  readonly model: MemoryModel;
  /** Schedules with at most so many; undefined for every schedule. */
  readonly preemptions: number | undefined;
  readonly schedules: number;
  readonly states: number;
  readonly outcomes: number;
}

type Row = readonly [
  scenario: string,
  model: MemoryModel,
  preemptions: number,
  schedules: number,
  states: number,
  outcomes: number,
];
const ANY = Infinity;

const QUICK: readonly Row[] = [
  ['mark-against-harvest', 'tso', 2, 4000, 5000, 3],
  ['mark-against-swap-harvest', 'sc', 2, 1700, 4400, 2],
  ['mark-against-swap-harvest', 'tso', 1, 1900, 2400, 2],
  ['clean-pages-against-harvest', 'sc', ANY, 2500, 1700, 3],
  ['clean-pages-against-harvest', 'tso', 2, 420, 640, 3],
  ['aborted-harvest-against-marks', 'sc', ANY, 1900, 1300, 7],
  ['aborted-harvest-against-marks', 'tso', 2, 1200, 1600, 7],
  ['aborted-swap-harvest-against-marks', 'sc', ANY, 700, 460, 2],
  ['aborted-swap-harvest-against-marks', 'tso', 2, 1700, 1800, 2],
  ['readers-against-extend', 'sc', 2, 3000, 9000, 1],
  ['readers-against-extend-at-the-wrap', 'sc', 1, 200, 1600, 1],
  ['extend-against-harvest', 'sc', 2, 2700, 8200, 2],
  ['unplug-against-late-mark', 'sc', 1, 270, 2800, 3],
  ['unplug-replug-against-late-mark', 'sc', 2, 590, 1600, 1],
  ['offline-online-against-synchronize', 'sc', 1, 210, 2200, 1],
  ['attach-detach-against-synchronize', 'sc', 1, 230, 3100, 1],
  ['attach-against-attach', 'sc', 2, 1200, 5700, 3],
  ['blocking-wait-against-reports', 'sc', 2, 1000, 4100, 1],
  ['callback-against-barrier', 'sc', ANY, 1500, 900, 4],
  ['callback-against-barrier', 'tso', 2, 410, 800, 4],
  ['callback-against-sections', 'sc', ANY, 760, 490, 4],
  ['kick-against-online', 'sc', 2, 100, 580, 1],
  ['marks-against-track', 'sc', 2, 1800, 2000, 2],
  ['marks-against-track', 'tso', 1, 4000, 3000, 2],
  ['marks-against-stop-and-track', 'sc', 1, 130, 500, 1],
  ['death-against-collecting', 'sc', 1, 930, 2600, 3],
  ['death-against-extend', 'sc', 2, 3100, 4300, 2],
  ['retirement-against-next-tenant', 'sc', 1, 300, 3600, 1],
  ['mark-against-measurement', 'sc', 1, 170, 1900, 4],
  ['limit-lifted-against-sleep', 'sc', ANY, 1800, 1800, 1],
];

const THOROUGH: readonly Row[] = [
  ['mark-against-harvest', 'sc', ANY, 10000, 7100, 3],
  ['mark-against-harvest', 'tso', ANY, 21000, 11000, 3],
  ['mark-against-swap-harvest', 'sc', ANY, 4700, 2900, 2],
  ['mark-against-swap-harvest', 'tso', ANY, 21000, 8400, 2],
  ['clean-pages-against-harvest', 'sc', ANY, 2500, 1700, 3],
  ['clean-pages-against-harvest', 'tso', ANY, 3000, 1900, 3],
  ['aborted-harvest-against-marks', 'sc', ANY, 1900, 1300, 7],
  ['aborted-harvest-against-marks', 'tso', ANY, 2900, 1600, 7],
  ['aborted-swap-harvest-against-marks', 'sc', ANY, 700, 460, 2],
  ['aborted-swap-harvest-against-marks', 'tso', ANY, 1600, 780, 2],
  ['readers-against-extend', 'sc', ANY, 9000, 5800, 1],
  ['readers-against-extend', 'tso', 2, 19000, 22000, 1],
  ['readers-against-extend-at-the-wrap', 'sc', ANY, 9000, 5800, 1],
  ['extend-against-harvest', 'sc', ANY, 44000, 29000, 2],
  ['extend-against-harvest', 'tso', 2, 33000, 29000, 2],
  ['unplug-against-late-mark', 'sc', ANY, 30000, 17000, 3],
  ['unplug-against-late-mark', 'tso', 1, 8000, 9900, 3],
  ['unplug-replug-against-late-mark', 'sc', ANY, 110000, 70000, 1],
  ['unplug-replug-against-late-mark', 'tso', 2, 1700, 7200, 1],
  ['offline-online-against-synchronize', 'sc', ANY, 100000, 65000, 1],
  ['offline-online-against-synchronize', 'tso', 1, 5400, 7300, 1],
  ['attach-detach-against-synchronize', 'sc', ANY, 160000, 100000, 1],
  ['attach-detach-against-synchronize', 'tso', 1, 9000, 12000, 1],
  ['attach-against-attach', 'sc', ANY, 30000, 19000, 3],
  ['blocking-wait-against-reports', 'sc', ANY, 18000, 12000, 1],
  ['blocking-wait-against-reports', 'tso', ANY, 18000, 12000, 1],
  ['callback-against-barrier', 'sc', ANY, 1500, 900, 4],
  ['callback-against-barrier', 'tso', ANY, 1700, 1000, 4],
  ['callback-against-sections', 'sc', ANY, 760, 490, 4],
  ['callback-against-sections', 'tso', ANY, 790, 510, 4],
  ['kick-against-online', 'sc', ANY, 7600, 7600, 1],
  ['marks-against-track', 'sc', ANY, 17000, 11000, 2],
  ['marks-against-track', 'tso', ANY, 70000, 30000, 2],
  ['marks-against-stop-and-track', 'sc', ANY, 46000, 31000, 2],
  ['marks-against-stop-and-track', 'tso', 1, 4000, 3700, 2],
  ['death-against-collecting', 'sc', ANY, 17000, 11000, 3],
  ['death-against-collecting', 'tso', 2, 10000, 14000, 3],
  ['death-against-extend', 'sc', ANY, 2600, 1800, 2],
  ['death-against-extend', 'tso', ANY, 4200, 2800, 2],
  ['retirement-against-next-tenant', 'sc', ANY, 65000, 65000, 1],
  ['mark-against-measurement', 'sc', 2, 9000, 170000, 4],
  ['mark-against-measurement', 'tso', 1, 70000, 55000, 4],
  ['limit-lifted-against-sleep', 'sc', ANY, 1800, 1800, 1],
  ['limit-lifted-against-sleep', 'tso', ANY, 1800, 1800, 1],
];

export const QUICK_RUNS = QUICK.map(toRun);
export const THOROUGH_RUNS = THOROUGH.map(toRun);

function toRun([scenario, model, preemptions, schedules, states, outcomes]: Row): CoveredRun {
  return { scenario, model, preemptions: preemptions === ANY ? undefined : preemptions, schedules, states, outcomes };
}

export function planOf({ scenario, model, preemptions }: CoveredRun): Plan {
  const strategy =
    preemptions === undefined ? ({ kind: 'exhaustive' } as const) : ({ kind: 'exhaustive', preemptions } as const);
  return { scenario, model, strategy, maxSchedules: 2_000_000 };
}

/** @returns what is missing, if anything */
export function shortfallOf(run: CoveredRun, found: Exploration): string | undefined {
  if (!found.exhausted) return 'the search did not come to its end';
  for (const count of ['schedules', 'states'] as const) {
    if (found[count] < run[count]) return `${found[count]} ${count}, fewer than ${run[count]}`;
  }
  const { length } = found.outcomes;
  return length < run.outcomes ? `${length} outcomes, fewer than ${run.outcomes}` : undefined;
}
