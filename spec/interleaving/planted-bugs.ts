/**
 * Which planted bug shows in which scenario, and within how many schedules. A search's course depends on nothing but its
 * plan, so the counts are the same everywhere; the budgets leave room for changes to the engine and to the scenarios.
 * Those of the catalogue that are not here need no second thread to show. Mutants are here whose bug no part can have that
 * is passed in from outside.
 */
import type { MemoryModel, Plan } from './checker/plan.js';

/** What is wrong, as the failure says it. */
type Sign =
  | 'use after free'
  | 'lost update'
  | 'deadlock'
  | 'was taken'
  | 'was freed'
  | 'were told'
  | 'made before'
  | 'all-zero block'
  | 'full block'
  | 'are pending';

interface PlantedBug {
  readonly scenario: string;
  /** Other scenarios that show it, within the same budget. */
  readonly alsoIn?: readonly string[];
  readonly sign: Sign;
  readonly budget: number;
  /** Of the search by random priorities. Default: 3. */
  readonly depth?: number;
  /** Default: sequential consistency. */
  readonly model?: MemoryModel;
}

export const PLANTED_BUGS: Readonly<Record<string, PlantedBug>> = {
  'free-without-grace-period': { scenario: 'readers-against-extend', sign: 'use after free', budget: 50 },
  'harvest-without-grace-period': { scenario: 'mark-against-harvest', sign: 'lost update', budget: 200 },
  'swap-without-grace-period': { scenario: 'mark-against-swap-harvest', sign: 'use after free', budget: 100 },
  'callback-without-grace-period': { scenario: 'callback-against-barrier', sign: 'was freed', budget: 200 },
  'request-joins-running-period': { scenario: 'extend-against-harvest', sign: 'use after free', budget: 1000 },
  'number-advanced-while-period-runs': { scenario: 'kick-against-online', sign: 'deadlock', budget: 100 },
  'wait-for-first-reader': { scenario: 'readers-against-extend', sign: 'use after free', budget: 500 },
  'wait-for-last-reader': { scenario: 'readers-against-extend', sign: 'use after free', budget: 500 },
  'compare-off-by-one': { scenario: 'readers-against-extend', sign: 'use after free', budget: 100 },
  'compare-not-wrap-safe': { scenario: 'readers-against-extend-at-the-wrap', sign: 'use after free', budget: 100 },
  'quiescent-inside-section': { scenario: 'callback-against-sections', sign: 'was freed', budget: 500 },
  'claim-by-load-and-store': { scenario: 'attach-against-attach', sign: 'was taken', budget: 1000 },
  'roots-loaded-before-slot': { scenario: 'offline-online-against-synchronize', sign: 'use after free', budget: 200 },
  'offline-reader-marks': { scenario: 'offline-online-against-synchronize', sign: 'was taken', budget: 10 },
  'enter-without-second-look': { scenario: 'kick-against-online', sign: 'deadlock', budget: 3000 },
  'interval-untold': {
    scenario: 'kept-marks-against-harvest',
    alsoIn: [
      'kept-marks-against-swap-harvest',
      'kept-marks-against-bounded-harvests',
      'kept-marks-against-aborted-harvest',
      'kept-marks-against-offline',
      'kept-marks-against-track',
    ],
    sign: 'lost update',
    budget: 1500,
  },
  'interval-goes-on-after-offline': { scenario: 'kept-marks-against-offline', sign: 'lost update', budget: 100 },
  'every-second-interval-untold': {
    scenario: 'kept-marks-against-harvest',
    alsoIn: ['kept-marks-against-swap-harvest'],
    sign: 'lost update',
    budget: 200,
  },
  'sleep-without-second-look': { scenario: 'limit-lifted-against-sleep', sign: 'deadlock', budget: 1000 },
  'borrowed-bits-kept': { scenario: 'mark-against-measurement', sign: 'lost update', budget: 100 },
  'mark-by-load-and-store': { scenario: 'clean-pages-against-harvest', sign: 'lost update', budget: 200 },
  'notify-lost': { scenario: 'blocking-wait-against-reports', sign: 'deadlock', budget: 100 },
  'number-advanced-before-publishing': { scenario: 'readers-against-extend', sign: 'use after free', budget: 1000 },
  'extend-forgets-old-blocks': { scenario: 'readers-against-extend', sign: 'lost update', budget: 10 },
  'block-zeroed-after-publishing': { scenario: 'mark-against-swap-harvest', sign: 'lost update', budget: 100 },
  'tables-never-shrink': { scenario: 'unplug-against-late-mark', sign: 'was taken', budget: 100 },
  'range-reused-before-cleaning': {
    scenario: 'unplug-replug-against-late-mark',
    alsoIn: ['discard-populate-against-late-mark'],
    sign: 'lost update',
    budget: 10,
  },
  'exchange-after-grace-period': { scenario: 'mark-against-harvest', model: 'tso', sign: 'lost update', budget: 5000 },
  'aborted-harvest-put-back-at-once': {
    scenario: 'aborted-swap-harvest-against-marks',
    sign: 'use after free',
    budget: 200,
  },
  'aborted-harvest-dropped': { scenario: 'aborted-harvest-against-marks', sign: 'lost update', budget: 100 },
  'dead-reader-never-retired': { scenario: 'death-against-extend', sign: 'deadlock', budget: 50 },
  'retired-at-terminate': { scenario: 'death-against-extend', sign: 'use after free', budget: 500 },
  'tracking-begins-untold': { scenario: 'marks-against-track', sign: 'lost update', budget: 1000 },
  'delivered-to-the-collector-alone': { scenario: 'two-users-against-marks', sign: 'lost update', budget: 50 },
  'pending-dropped-on-abort': { scenario: 'user-that-gives-up-against-marks', sign: 'lost update', budget: 100 },
  'new-user-begins-clean': { scenario: 'user-that-stops-against-marks', sign: 'lost update', budget: 200 },
  'pending-not-clipped': { scenario: 'user-against-unplug', sign: 'are pending', budget: 50 },
  'tracking-ends-without-grace-period': {
    scenario: 'marks-against-stop-and-track',
    sign: 'use after free',
    budget: 1000,
  },
  'put-back-by-load-and-store': {
    scenario: 'aborted-harvest-against-marks',
    alsoIn: ['mark-against-measurement'],
    sign: 'lost update',
    budget: 1000,
  },
  'put-back-where-ram-was': {
    scenario: 'unplug-replug-against-aborted-swap-harvest',
    sign: 'all-zero block',
    budget: 50,
  },
  'end-of-ram-never-lowered': {
    scenario: 'unplug-of-the-last-pages-against-late-mark',
    sign: 'was taken',
    budget: 50,
  },
  'stale-kick-heard': { scenario: 'kick-against-online', sign: 'made before', budget: 1500 },
  'reload-reports': { scenario: 'reload-against-swap-harvest', sign: 'lost update', budget: 50 },
  'report-for-whole-thread': { scenario: 'two-readers-of-one-thread', sign: 'lost update', budget: 300 },
  'code-marked-by-get-and-set': {
    scenario: 'marks-for-all-clients-against-harvest',
    sign: 'lost update',
    budget: 200,
  },
  'told-by-what-was-seen': { scenario: 'turned-page-told-against-harvest', sign: 'were told', budget: 50 },
  'counted-by-what-was-seen': { scenario: 'turned-page-told-against-harvest', sign: 'were told', budget: 200 },
  'blocks-of-vga-alone': {
    scenario: 'plug-and-unplug-between-against-marks',
    sign: 'all-zero block',
    budget: 300,
  },
  'blocks-of-migration-alone': {
    scenario: 'plug-and-unplug-between-against-marks',
    sign: 'all-zero block',
    budget: 1000,
  },
  'number-before-closed': { scenario: 'close-against-marks', sign: 'was taken', depth: 6, budget: 2000 },
  'untracked-client-collected': { scenario: 'harvests-against-stop-and-track', sign: 'full block', budget: 10 },
  'notify-before-change': { scenario: 'limit-lifted-against-sleep', sign: 'deadlock', budget: 2000 },
  'wakes-at-the-wrong-report': { scenario: 'blocking-wait-against-reports', sign: 'deadlock', budget: 50 },
  'owner-sleeps-without-second-look': { scenario: 'blocking-wait-against-reports', sign: 'deadlock', budget: 1000 },
  'completion-wakes-nobody': { scenario: 'giving-way-against-blocking-wait', sign: 'deadlock', budget: 500 },
  'sleeps-on-after-completion': { scenario: 'giving-way-against-blocking-wait', sign: 'deadlock', budget: 1000 },
  'gives-way-inside-section': { scenario: 'giving-way-against-sections', sign: 'lost update', budget: 500 },
  'waiting-cleared-late': { scenario: 'giving-way-against-periods', sign: 'deadlock', budget: 2000 },
  'retired-by-slot': { scenario: 'retirement-against-next-tenant', sign: 'use after free', budget: 1000 },
};

/** @param elsewhere another scenario than its first */
export function planFor(sabotage: string, elsewhere?: string): Plan {
  const bug = PLANTED_BUGS[sabotage];
  if (bug === undefined) throw new RangeError(`no scenario shows '${sabotage}'`);
  const { scenario, model = 'sc', budget, depth = 3 } = bug;
  return {
    scenario: elsewhere ?? scenario,
    sabotage,
    model,
    strategy: { kind: 'pct', depth, seed: 7 },
    maxSchedules: budget,
  };
}
