/** The report of a stress run, as JSON and for people. */
import type { RecordableHistogram } from 'node:perf_hooks';
import { commandLine } from './command-line.js';
import { PAGE_SIZE, type StressPlan } from './plan.js';
import type { Violation } from './violations.js';

export interface StressReport {
  readonly verdict: 'pass' | 'fail';
  /** Whether the user ended the run before its time. Such a run is never called vacuous. */
  readonly interrupted: boolean;
  readonly seed: number;
  readonly sabotage: string | null;
  readonly vcpus: number;
  readonly pageSize: number;
  /** The seed chooses this value, unless the plan gives one, and the next three. */
  readonly pagesPerBlock: number;
  readonly kernel: 'atomics' | 'wasm';
  /** Whether dense blocks were swapped out at the density of the shipped library, or at a lower one. */
  readonly swapThreshold: 'shipped' | 'low';
  /** Whether the arena often had room for only some of the blocks that a harvest wanted to swap out. */
  readonly scarce: boolean;
  readonly seconds: number;
  readonly marks: number;
  readonly marksPerSecond: number;
  /** Marked pages, by the form of the mark. */
  readonly marksByForm: Readonly<Record<string, number>>;
  /** Stores without a mark, to pages that the vCPU had marked before in the same interval. */
  readonly storesByKeptMarks: number;
  /** Marks that were refused because the RAM had been unplugged. */
  readonly marksRefused: number;
  readonly plugs: number;
  readonly unplugs: number;
  /** How often a part of a DIMM was discarded; the next field is how often one was populated again. */
  readonly discards: number;
  readonly populates: number;
  readonly resizes: number;
  readonly extends: number;
  readonly shrinks: number;
  /** Dense bitmap blocks that harvests swapped out whole. */
  readonly blocksSwapped: number;
  /** Swaps for which the arena had room for only some of the blocks. */
  readonly partialSwaps: number;
  /** Collections that failed because the arena had no room. */
  readonly collectionsWithoutRoom: number;
  /** How often the all-zero block and the full block were checked. */
  readonly constantBlockLooks: number;
  readonly gracePeriods: number;
  readonly gracePeriodMicros: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Collections of every kind that were delivered, including those that the field `harvests` counts. */
  readonly collections: number;
  /** Stores that vCPUs made through `GuestRam` to the RAM that is audited, and what the audits did; null without any. */
  readonly audit: { readonly stores: number; readonly checks: number; readonly pagesCompared: number } | null;
  /** How many users of MIGRATION collected at the same time, each into its own replica. */
  readonly usersOfMigration: number;
  readonly harvests: number;
  readonly pagesHarvested: number;
  /** Pages that were stored to after their copy, and were found dirty again, as they must be. */
  readonly pagesRedirtied: number;
  /** How often a user stopped tracking a client and began again. */
  readonly restarts: number;
  /** Measurements of dirty rates, made during collections. */
  readonly measurements: number;
  /** How often a reader's dirty rate was checked against the reader's own account. */
  readonly readersCompared: number;
  /**
   * The client whose pages were counted in the base RAM, and how many turned dirty; null when the run did not count.
   */
  readonly conserved: { readonly client: string; readonly pages: number } | null;
  /**
   * Uses of a table, by the number of grace periods that had ended since its replacement: counts for 0, 1, ... 7 or
   * more.
   */
  readonly tableAges: readonly number[];
  /** Uses of the object behind the pointer, by its age in generations: counts for 0, 1, ... 10 or more. */
  readonly objectGenerations: readonly number[];
  /** Replaced objects that were freed after ten generations. */
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

/** @returns the command-line options of the plan, without those that have their default values */
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
