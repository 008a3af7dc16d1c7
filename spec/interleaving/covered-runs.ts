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
  ['mark-against-harvest', 'tso', 1, 450, 850, 3],
  ['mark-against-swap-harvest', 'sc', 1, 150, 950, 2],
  ['mark-against-swap-harvest', 'sc', 2, 1700, 4400, 2],
  ['mark-against-swap-harvest', 'tso', 1, 1900, 2400, 2],
  ['clean-pages-against-harvest', 'sc', ANY, 2500, 1700, 3],
  ['clean-pages-against-harvest', 'tso', 2, 420, 640, 3],
  ['marks-for-all-clients-against-harvest', 'sc', 2, 250, 1300, 3],
  ['turned-page-told-against-harvest', 'sc', 2, 170, 800, 12],
  ['reload-against-swap-harvest', 'sc', 2, 580, 1000, 1],
  ['two-readers-of-one-thread', 'sc', ANY, 220, 220, 2],
  ['two-readers-of-one-thread', 'tso', 2, 150, 300, 2],
  ['aborted-harvest-against-marks', 'sc', 2, 700, 1900, 4],
  ['aborted-harvest-against-marks', 'tso', 1, 250, 550, 4],
  ['aborted-swap-harvest-against-marks', 'sc', ANY, 720, 440, 2],
  ['aborted-swap-harvest-against-marks', 'tso', 2, 1700, 1800, 2],
  ['kept-marks-against-harvest', 'sc', 1, 120, 780, 4],
  ['kept-marks-against-harvest', 'tso', 1, 880, 1400, 4],
  ['kept-marks-against-swap-harvest', 'sc', 1, 200, 1600, 4],
  ['kept-marks-against-bounded-harvests', 'sc', 2, 230, 860, 2],
  ['kept-marks-against-bounded-harvests', 'tso', 1, 270, 510, 2],
  ['kept-marks-against-aborted-harvest', 'sc', 2, 160, 620, 6],
  ['kept-marks-against-aborted-harvest', 'tso', 1, 190, 320, 6],
  ['kept-marks-against-aborted-swap-harvest', 'sc', 2, 350, 1400, 5],
  ['kept-marks-against-offline', 'sc', 1, 130, 900, 4],
  ['kept-marks-against-offline', 'tso', 1, 380, 1100, 4],
  ['kept-marks-against-measurement', 'sc', 1, 20, 650, 2],
  ['kept-marks-against-track', 'sc', 1, 165, 1100, 2],
  ['readers-against-extend', 'sc', 1, 200, 1700, 1],
  ['readers-against-extend-at-the-wrap', 'sc', 1, 200, 1600, 1],
  ['extend-against-harvest', 'sc', 1, 215, 1600, 2],
  ['extend-against-harvest', 'sc', 2, 2700, 8200, 2],
  ['unplug-against-late-mark', 'sc', 1, 280, 2800, 3],
  ['unplug-of-the-last-pages-against-late-mark', 'sc', ANY, 140, 140, 3],
  ['plug-and-unplug-between-against-marks', 'sc', 1, 95, 2100, 2],
  ['unplug-replug-against-aborted-swap-harvest', 'sc', 1, 300, 3000, 3],
  ['unplug-replug-against-late-mark', 'sc', 1, 115, 800, 1],
  ['unplug-replug-against-late-mark', 'sc', 2, 590, 1600, 1],
  ['discard-populate-against-late-mark', 'sc', 2, 620, 1650, 1],
  ['discard-of-a-bitmap-block-against-harvest', 'sc', 1, 55, 1900, 1],
  ['offline-online-against-synchronize', 'sc', 1, 210, 2200, 1],
  ['attach-detach-against-synchronize', 'sc', 1, 230, 3100, 1],
  ['attach-against-attach', 'sc', 1, 60, 1500, 3],
  ['attach-against-attach', 'sc', 2, 1800, 9000, 3],
  ['blocking-wait-against-reports', 'sc', 2, 750, 2500, 1],
  ['callback-against-barrier', 'sc', ANY, 1500, 900, 4],
  ['callback-against-barrier', 'tso', 2, 410, 800, 4],
  ['callback-against-sections', 'sc', ANY, 760, 490, 4],
  ['kick-against-online', 'sc', 2, 180, 1400, 1],
  ['marks-against-track', 'sc', 1, 165, 1050, 2],
  ['marks-against-track', 'sc', 2, 1800, 2000, 2],
  ['marks-against-track', 'tso', 1, 4000, 3000, 2],
  ['two-users-against-marks', 'sc', ANY, 850, 850, 2],
  ['two-users-against-marks', 'tso', 1, 95, 250, 2],
  ['two-users-against-marks-by-swaps', 'sc', ANY, 650, 650, 2],
  ['user-that-gives-up-against-marks', 'sc', 2, 165, 560, 2],
  ['user-that-stops-against-marks', 'sc', ANY, 555, 555, 2],
  ['user-without-room-against-marks', 'sc', 2, 145, 460, 2],
  ['user-against-unplug', 'sc', 1, 55, 700, 2],
  ['harvests-against-stop-and-track', 'sc', 2, 330, 1300, 2],
  ['marks-against-stop-and-track', 'sc', 1, 130, 500, 1],
  ['close-against-marks', 'sc', 2, 240, 1200, 3],
  ['death-against-collecting', 'sc', 1, 930, 2600, 3],
  ['death-against-extend', 'sc', 1, 900, 2500, 2],
  ['retirement-against-next-tenant', 'sc', 1, 300, 3600, 1],
  ['mark-against-measurement', 'sc', 1, 150, 5200, 4],
  ['limit-lifted-against-sleep', 'sc', ANY, 700, 700, 1],
  ['late-attach-against-create', 'sc', 1, 430, 7000, 5],
  ['giving-way-against-blocking-wait', 'sc', 1, 180, 2000, 1],
  ['giving-way-to-a-late-owner', 'sc', 2, 200, 700, 1],
  ['giving-way-against-periods', 'sc', 1, 140, 1100, 1],
  ['giving-way-against-harvest', 'sc', 1, 220, 2000, 2],
  ['giving-way-against-harvest', 'tso', 1, 680, 2500, 2],
  ['giving-way-against-sections', 'sc', 1, 200, 2000, 2],
  ['giving-way-against-harvest-given-up', 'sc', 2, 750, 6300, 3],
  ['giving-way-against-limit', 'sc', 1, 210, 2600, 1],
  ['giving-way-against-death', 'sc', 1, 4800, 28_000, 1],
  ['giving-way-against-close', 'sc', 2, 820, 5800, 3],
];

const THOROUGH: readonly Row[] = [
  ['two-users-against-marks', 'sc', ANY, 850, 850, 2],
  ['two-users-against-marks', 'tso', 2, 470, 770, 2],
  ['two-users-against-marks-by-swaps', 'sc', ANY, 650, 650, 2],
  ['two-users-against-marks-by-swaps', 'tso', 2, 4200, 3650, 2],
  ['user-that-gives-up-against-marks', 'sc', ANY, 4000, 4000, 2],
  ['user-that-gives-up-against-marks', 'tso', 2, 500, 940, 2],
  ['user-that-stops-against-marks', 'sc', ANY, 555, 555, 2],
  ['user-that-stops-against-marks', 'tso', 2, 400, 610, 2],
  ['user-without-room-against-marks', 'sc', ANY, 850, 850, 2],
  ['user-without-room-against-marks', 'tso', 2, 430, 680, 2],
  ['user-against-unplug', 'sc', ANY, 2500, 2500, 2],
  ['user-against-unplug', 'tso', 2, 13_000, 11_000, 2],
  ['mark-against-harvest', 'sc', ANY, 10000, 7100, 3],
  ['mark-against-harvest', 'tso', ANY, 21000, 11000, 3],
  ['mark-against-swap-harvest', 'sc', ANY, 4700, 2900, 2],
  ['mark-against-swap-harvest', 'tso', ANY, 21000, 8400, 2],
  ['clean-pages-against-harvest', 'sc', ANY, 2500, 1700, 3],
  ['clean-pages-against-harvest', 'tso', ANY, 3000, 1900, 3],
  ['marks-for-all-clients-against-harvest', 'sc', ANY, 58000, 39000, 3],
  ['marks-for-all-clients-against-harvest', 'tso', 2, 700, 1600, 3],
  ['turned-page-told-against-harvest', 'sc', ANY, 13000, 9000, 12],
  ['turned-page-told-against-harvest', 'tso', 2, 180, 800, 12],
  ['reload-against-swap-harvest', 'sc', ANY, 800, 530, 1],
  ['reload-against-swap-harvest', 'tso', 2, 3000, 2600, 1],
  ['two-readers-of-one-thread', 'sc', ANY, 220, 220, 2],
  ['two-readers-of-one-thread', 'tso', 2, 150, 300, 2],
  ['aborted-harvest-against-marks', 'sc', ANY, 14000, 10000, 4],
  ['aborted-harvest-against-marks', 'tso', 2, 1800, 2700, 4],
  ['aborted-swap-harvest-against-marks', 'sc', ANY, 720, 440, 2],
  ['aborted-swap-harvest-against-marks', 'tso', ANY, 1600, 780, 2],
  ['kept-marks-against-harvest', 'sc', 2, 1500, 4800, 4],
  ['kept-marks-against-harvest', 'tso', 1, 880, 1400, 4],
  ['kept-marks-against-swap-harvest', 'sc', ANY, 40_000, 25_000, 4],
  ['kept-marks-against-swap-harvest', 'tso', 1, 2800, 3700, 4],
  ['kept-marks-against-bounded-harvests', 'sc', ANY, 4100, 4100, 2],
  ['kept-marks-against-bounded-harvests', 'tso', 1, 270, 510, 2],
  ['kept-marks-against-aborted-harvest', 'sc', ANY, 2400, 2400, 6],
  ['kept-marks-against-aborted-harvest', 'tso', 1, 190, 320, 6],
  ['kept-marks-against-aborted-swap-harvest', 'sc', ANY, 4400, 4400, 5],
  ['kept-marks-against-aborted-swap-harvest', 'tso', 1, 1150, 1250, 4],
  ['kept-marks-against-offline', 'sc', 2, 1850, 7200, 4],
  ['kept-marks-against-offline', 'tso', 1, 380, 1100, 4],
  ['kept-marks-against-measurement', 'sc', 2, 100, 1000, 2],
  ['kept-marks-against-track', 'sc', 2, 2000, 6200, 2],
  ['readers-against-extend', 'sc', ANY, 9000, 5800, 1],
  ['readers-against-extend', 'tso', 2, 19000, 22000, 1],
  ['readers-against-extend-at-the-wrap', 'sc', ANY, 9000, 5800, 1],
  ['extend-against-harvest', 'sc', ANY, 44000, 29000, 2],
  ['extend-against-harvest', 'tso', 2, 33000, 29000, 2],
  ['unplug-against-late-mark', 'sc', ANY, 31000, 18000, 3],
  ['unplug-against-late-mark', 'tso', 1, 8000, 10000, 3],
  ['unplug-of-the-last-pages-against-late-mark', 'sc', ANY, 140, 140, 3],
  ['unplug-of-the-last-pages-against-late-mark', 'tso', 2, 75, 180, 3],
  ['plug-and-unplug-between-against-marks', 'sc', ANY, 7800, 7800, 2],
  ['unplug-replug-against-aborted-swap-harvest', 'sc', 2, 5700, 23000, 3],
  ['unplug-replug-against-late-mark', 'sc', ANY, 76000, 49000, 1],
  ['unplug-replug-against-late-mark', 'tso', 2, 1450, 6000, 1],
  ['discard-populate-against-late-mark', 'sc', ANY, 4100, 2500, 1],
  ['discard-populate-against-late-mark', 'tso', 2, 660, 1850, 1],
  ['discard-of-a-bitmap-block-against-harvest', 'sc', 2, 2200, 8700, 3],
  ['discard-of-a-bitmap-block-against-harvest', 'tso', 1, 34000, 30000, 3],
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
  ['kick-against-online', 'sc', ANY, 12000, 12000, 1],
  ['marks-against-track', 'sc', ANY, 17000, 11000, 2],
  ['marks-against-track', 'tso', ANY, 70000, 30000, 2],
  ['harvests-against-stop-and-track', 'sc', ANY, 2900, 2900, 2],
  ['harvests-against-stop-and-track', 'tso', 2, 5100, 5700, 2],
  ['marks-against-stop-and-track', 'sc', ANY, 46000, 31000, 2],
  ['marks-against-stop-and-track', 'tso', 1, 4000, 3700, 2],
  ['close-against-marks', 'sc', ANY, 6600, 6600, 3],
  ['death-against-collecting', 'sc', ANY, 17000, 11000, 3],
  ['death-against-collecting', 'tso', 2, 10000, 14000, 3],
  ['death-against-extend', 'sc', ANY, 2600, 1800, 2],
  ['death-against-extend', 'tso', ANY, 4200, 2800, 2],
  ['retirement-against-next-tenant', 'sc', ANY, 65000, 65000, 1],
  ['mark-against-measurement', 'sc', 2, 8500, 150000, 4],
  ['mark-against-measurement', 'tso', 1, 70000, 54000, 4],
  ['limit-lifted-against-sleep', 'sc', ANY, 700, 700, 1],
  ['limit-lifted-against-sleep', 'tso', ANY, 700, 700, 1],
  ['late-attach-against-create', 'sc', 2, 13000, 160000, 7],
  ['late-attach-against-create', 'tso', 1, 85000, 85000, 5],
  ['giving-way-against-blocking-wait', 'sc', 2, 3600, 22_000, 1],
  ['giving-way-against-blocking-wait', 'tso', 1, 260, 2100, 1],
  ['giving-way-to-a-late-owner', 'sc', ANY, 8900, 8800, 1],
  ['giving-way-to-a-late-owner', 'tso', 2, 370, 1060, 1],
  ['giving-way-against-periods', 'sc', 2, 2000, 9500, 1],
  ['giving-way-against-harvest', 'sc', 2, 3900, 19_000, 2],
  ['giving-way-against-sections', 'sc', 2, 3400, 17_000, 2],
  ['giving-way-against-harvest-given-up', 'sc', 2, 750, 6300, 3],
  ['giving-way-against-limit', 'sc', 2, 4800, 28_000, 1],
  ['giving-way-against-death', 'sc', 1, 4800, 28_000, 1],
  ['giving-way-against-close', 'sc', 2, 820, 5800, 3],
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
