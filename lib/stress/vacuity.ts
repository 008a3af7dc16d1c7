/** How much a run must have done for its pass to mean anything. A run that did less fails as vacuous. */
import type { StressReport } from './report.js';

/** Least counts of what threads do as fast as they can. Even a busy 2-core machine exceeds them in 5 s. */
const AT_FULL_SPEED = {
  marks: 20_000,
  storesByKeptMarks: 2_000,
  gracePeriods: 20,
  pagesRedirtied: 50,
  litmusRounds: 64,
  tableUses: 500,
  objectUses: 500,
  attaches: 20,
} as const;
const MARKS_OF_A_FORM = 500;

/**
 * Least counts, for each 100 grace periods, of what waits for grace periods. There are fewer grace periods when threads
 * wait for a core.
 */
const IN_100_PERIODS = {
  collections: 10,
  restarts: 1,
  measurements: 2,
  extends: 15,
  shrinks: 15,
  constantBlockLooks: 100,
  blocksSwapped: 15,
  discards: 4,
  populates: 2,
  resizes: 4,
  objectsRetired: 1,
  callbacks: 15,
  blockingWaits: 3,
  polls: 3,
} as const;
/** Least count of partial swaps, if the run's shape is scarce. */
const PARTIAL_SWAPS = 1;
const AUDITED = { storesAudited: 200, auditChecks: 2, pagesAudited: 20 } as const;
const PAGES_CONSERVED = 200;
/** A reader's rate is checked about once in three measurements, on a busy machine once in six. */
const MEASUREMENTS_FOR_A_READER = 40;

/**
 * With faults, the least counts are divided by this: threads are killed several times a second, and spend most of their
 * time starting.
 */
const WITH_FAULTS_ONE_IN = 5;
/** With more vCPUs than this, each has a smaller share of the cores. */
const USUAL_VCPUS = 4;
/** With large blocks, tables change less often, because most plugged RAM falls into an existing block. */
const WITH_LARGE_BLOCKS_ONE_IN = 4;
const LARGE = 2 ** 15;

type Counts = Record<string, number>;

/** @returns a message for each thing that the run did too little of */
export function vacuities(report: StressReport): string[] {
  const { faults, vcpus, gracePeriods } = report;
  const faulty = Object.keys(faults).length > 0 ? WITH_FAULTS_ONE_IN : 1;
  const done = countsOf(report);
  const share = 1 / Math.max(1, vcpus / USUAL_VCPUS);
  // Rates are not measured for a client whose pages are counted.
  const rated = report.conserved?.client === 'MIGRATION' ? 0 : report.measurements / MEASUREMENTS_FOR_A_READER;
  const few = [
    ...fewOf(done, { readersCompared: rated }, share / faulty),
    ...fewOf(done, leastAtFullSpeed(report), share / faulty),
    ...fewOf(done, leastInPeriods(report), Math.min(1, gracePeriods / 100) / faulty),
  ];
  const unplanted = Object.keys(faults).filter((kind) => faults[kind] === 0);
  return [...few, ...unplanted.map((kind) => `no ${kind}; a run with faults has some of each kind`)];
}

function fewOf(done: Counts, least: Counts, share: number): string[] {
  return Object.entries(least)
    .map(([name, count]) => ({ name, found: done[name] as number, wanted: Math.floor(count * share) }))
    .filter(({ found, wanted }) => found < wanted)
    .map(({ name, found, wanted }) => `only ${found} ${name}; a run with less than ${wanted} has tested nothing`);
}

function countsOf(report: StressReport): Counts {
  const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
  const forms = Object.entries(report.marksByForm).map(([form, marks]) => [`marks by ${form}`, marks]);
  return {
    ...Object.fromEntries(Object.entries(report).filter(([, value]) => typeof value === 'number')),
    ...Object.fromEntries(forms),
    tableUses: sum(report.tableAges),
    objectUses: sum(report.objectGenerations),
    pagesConserved: report.conserved?.pages ?? 0,
    storesAudited: report.audit?.stores ?? 0,
    auditChecks: report.audit?.checks ?? 0,
    pagesAudited: report.audit?.pagesCompared ?? 0,
  };
}

function leastAtFullSpeed({ marksByForm }: StressReport): Counts {
  const forms = Object.keys(marksByForm).map((form) => [`marks by ${form}`, MARKS_OF_A_FORM]);
  return { ...AT_FULL_SPEED, ...Object.fromEntries(forms) };
}

function leastInPeriods({ pagesPerBlock, scarce, conserved, audit }: StressReport): Counts {
  const ofTables = pagesPerBlock >= LARGE ? WITH_LARGE_BLOCKS_ONE_IN : 1;
  const { extends: extended, shrinks, blocksSwapped } = IN_100_PERIODS;
  return {
    ...IN_100_PERIODS,
    extends: extended / ofTables,
    shrinks: shrinks / ofTables,
    blocksSwapped: blocksSwapped / ofTables,
    ...(scarce ? { partialSwaps: PARTIAL_SWAPS } : {}),
    ...(audit === null ? {} : AUDITED),
    ...(conserved === null ? {} : { pagesConserved: PAGES_CONSERVED }),
  };
}
