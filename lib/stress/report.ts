/** What a stress run says, as JSON and to people. */
import type { RecordableHistogram } from 'node:perf_hooks';
import { commandLine } from './command-line.js';
import { MINIMA, PAGE_SIZE, PAGES_PER_BLOCK, type StressPlan } from './plan.js';
import type { Violation } from './violations.js';

export interface StressReport {
  readonly verdict: 'pass' | 'fail';
  /** Ended by the user before its time; then nothing is said about vacuity. */
  readonly interrupted: boolean;
  readonly seed: number;
  readonly sabotage: string | null;
  readonly vcpus: number;
  readonly pageSize: number;
  readonly pagesPerBlock: number;
  readonly seconds: number;
  readonly marks: number;
  readonly marksPerSecond: number;
  /** To RAM that had gone. */
  readonly marksRefused: number;
  readonly plugs: number;
  readonly unplugs: number;
  readonly extends: number;
  readonly shrinks: number;
  /** Dense bitmap blocks that harvests swapped out whole. */
  readonly blocksSwapped: number;
  /** Chosen by the seed, unless the plan names one. */
  readonly kernel: 'atomics' | 'wasm';
  readonly gracePeriods: number;
  readonly gracePeriodMicros: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Collections of every kind that were delivered, of which `harvests` by `harvest`. */
  readonly collections: number;
  readonly harvests: number;
  readonly pagesHarvested: number;
  /** Pages stored to after their copy, and found dirty again as they must be. */
  readonly pagesRedirtied: number;
  /** How often the tracking of a client was ended and begun again. */
  readonly restarts: number;
  /** Of dirty rates, beside the collections. */
  readonly measurements: number;
  /** How many grace periods had ended since a table was replaced, when it was used: counts for 0, 1, ... 7 or more. */
  readonly tableAges: readonly number[];
  readonly litmusRounds: number;
  readonly attaches: number;
  readonly callbacks: number;
  readonly blockingWaits: number;
  /** How many faults were planted, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly arenaBytes: { readonly start: number; readonly peak: number; readonly end: number };
  readonly node: string;
}

/** Of the minima: threads are killed several times a second, and most of their time goes into starting. */
const WITH_FAULTS_ONE_IN = 5;

/** The minima that a run has not met, in words. */
export function vacuities(report: StressReport): string[] {
  const done = {
    ...report,
    tableUses: report.tableAges.reduce((sum, count) => sum + count, 0),
  };
  const names = Object.keys(MINIMA) as (keyof typeof MINIMA)[];
  const planted = Object.keys(report.faults).length > 0;
  const least = (name: keyof typeof MINIMA): number => (planted ? MINIMA[name] / WITH_FAULTS_ONE_IN : MINIMA[name]);
  const few = names
    .filter((name) => done[name] < least(name))
    .map((name) => `only ${done[name]} ${name}; a run with less than ${least(name)} has tested nothing`);
  const unplanted = Object.keys(report.faults).filter((kind) => report.faults[kind] === 0);
  return [...few, ...unplanted.map((kind) => `no ${kind}; a run with faults has some of each kind`)];
}

/** The command that runs the same plan again. */
export function repeatCommand(plan: StressPlan): string {
  return commandLine('stress', stressArguments(plan));
}

/** Flags for the plan; those that are as they would be anyway are left out. */
export function stressArguments(plan: StressPlan): string[] {
  const { vcpus, seconds, seed, pageSize = PAGE_SIZE, pagesPerBlock = PAGES_PER_BLOCK, kernel } = plan;
  return [
    ...['--vcpus', `${vcpus}`, '--seconds', `${seconds}`, '--seed', `${seed}`],
    ...(pageSize === PAGE_SIZE ? [] : ['--page-size', `${pageSize}`]),
    ...(pagesPerBlock === PAGES_PER_BLOCK ? [] : ['--pages-per-block', `${pagesPerBlock}`]),
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
