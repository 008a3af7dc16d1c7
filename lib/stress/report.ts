/** What a stress run says, as JSON and to people. */
import type { RecordableHistogram } from 'node:perf_hooks';
import { commandLine } from './command-line.js';
import { PAGE_SIZE, type StressPlan } from './plan.js';
import type { Violation } from './violations.js';

export interface StressReport {
  readonly verdict: 'pass' | 'fail';
  /** Ended by the user before its time; then nothing is said about vacuity. */
  readonly interrupted: boolean;
  readonly seed: number;
  readonly sabotage: string | null;
  readonly vcpus: number;
  readonly pageSize: number;
  /** Chosen by the seed, unless the plan names one; so are the next three. */
  readonly pagesPerBlock: number;
  readonly kernel: 'atomics' | 'wasm';
  /** Whether dense blocks were swapped out as the product does it, or at a lower density. */
  readonly swapThreshold: 'shipped' | 'low';
  /** Whether the arena often had room for some only of the blocks that a harvest wanted to swap out. */
  readonly scarce: boolean;
  readonly seconds: number;
  readonly marks: number;
  readonly marksPerSecond: number;
  /** Pages by the form of their mark. */
  readonly marksByForm: Readonly<Record<string, number>>;
  /** To RAM that had gone. */
  readonly marksRefused: number;
  readonly plugs: number;
  readonly unplugs: number;
  /** Parts of DIMMs given back, and taken again. */
  readonly discards: number;
  readonly populates: number;
  readonly resizes: number;
  readonly extends: number;
  readonly shrinks: number;
  /** Dense bitmap blocks that harvests swapped out whole. */
  readonly blocksSwapped: number;
  /** Swaps for which the arena had room in part. */
  readonly partialSwaps: number;
  /** Collections that were given up because the arena had no room. */
  readonly collectionsWithoutRoom: number;
  /** How often the all-zero block and the full block were looked at. */
  readonly constantBlockLooks: number;
  readonly gracePeriods: number;
  readonly gracePeriodMicros: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Collections of every kind that were delivered, of which `harvests` by `harvest`. */
  readonly collections: number;
  /** Users of MIGRATION that collected at the same time, each into a copy of its own. */
  readonly usersOfMigration: number;
  readonly harvests: number;
  readonly pagesHarvested: number;
  /** Pages stored to after their copy, and found dirty again as they must be. */
  readonly pagesRedirtied: number;
  /** How often the tracking of a client was ended and begun again. */
  readonly restarts: number;
  /** Of dirty rates, beside the collections. */
  readonly measurements: number;
  /** How often a reader's rate was held against what the reader had turned dirty by its own account. */
  readonly readersCompared: number;
  /** The client whose pages were counted in the RAM that stays, and how many turned dirty; null where none was. */
  readonly conserved: { readonly client: string; readonly pages: number } | null;
  /** How many grace periods had ended since a table was replaced, when it was used: counts for 0, 1, ... 7 or more. */
  readonly tableAges: readonly number[];
  /** How many generations old the object behind the pointer was at its use: counts for 0, 1, ... 10 or more. */
  readonly objectGenerations: readonly number[];
  /** Objects that were replaced, and used again after ten generations. */
  readonly objectsRetired: number;
  readonly litmusRounds: number;
  readonly attaches: number;
  readonly callbacks: number;
  readonly blockingWaits: number;
  /** Cookies that were polled until their grace period had ended. */
  readonly polls: number;
  /** How many faults were planted, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly arenaBytes: { readonly start: number; readonly peak: number; readonly end: number };
  readonly node: string;
}

/** The command that runs the same plan again. */
export function repeatCommand(plan: StressPlan): string {
  return commandLine('stress', stressArguments(plan));
}

/** Flags for the plan; those that are as they would be anyway are left out. */
export function stressArguments(plan: StressPlan): string[] {
  const { vcpus, seconds, seed, pageSize = PAGE_SIZE, pagesPerBlock, kernel } = plan;
  return [
    ...['--vcpus', `${vcpus}`, '--seconds', `${seconds}`, '--seed', `${seed}`],
    ...(pageSize === PAGE_SIZE ? [] : ['--page-size', `${pageSize}`]),
    ...(pagesPerBlock === undefined ? [] : ['--pages-per-block', `${pagesPerBlock}`]),
    ...(kernel === undefined ? [] : ['--kernel', kernel]),
    ...(plan.faults ? ['--faults'] : []),
    ...(plan.sabotage === undefined ? [] : ['--sabotage', plan.sabotage]),
  ];
}

export function microsOf(histogram: RecordableHistogram): StressReport['gracePeriodMicros'] {
  const micros = (nanoseconds: number): number => Math.round(nanoseconds / 10) / 100;
  return {
    p50: micros(histogram.percentile(50)),
    p99: micros(histogram.percentile(99)),
    max: micros(histogram.count === 0 ? 0 : histogram.max),
  };
}
