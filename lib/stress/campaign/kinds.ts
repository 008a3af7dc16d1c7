/**
 * The kinds of run that a campaign makes. A kind says what a plan of it has, with which command and arguments a process
 * runs the plan, and what the process's report says. Its `arguments` are all that ever reaches a command line: a plan
 * that came from elsewhere, as from a queue, is checked field by field first.
 */
import { MIGRATION_SABOTAGES } from '../migration/sabotage.js';
import { KERNELS, MOST_PAGES_PER_BLOCK, MOST_SECONDS, PAGE_SIZE, type StressPlan } from '../plan.js';
import { stressArguments } from '../report.js';
import { SABOTAGES } from '../sabotage/catalogue.js';
import {
  type Field,
  integer,
  leftOut,
  nothingSimpler,
  oneOf,
  powerOfTwo,
  seconds,
  smaller,
  sourceFile,
  word,
} from './fields.js';

/** The values of a run's fields, and its seed. */
export type Plan = { readonly seed: number } & Readonly<Record<string, unknown>>;

export interface Finding {
  /** The name of the oracle. */
  readonly found: string;
  readonly detail: string;
}

export interface Kind {
  readonly fields: Readonly<Record<string, Field>>;
  /** Only a checkout of the sources has the command. */
  readonly needsCheckout: boolean;
  readonly command: 'stress' | 'litmus' | 'migrate-demo' | 'check:interleavings' | 'mutate';
  readonly arguments: (plan: Plan) => readonly string[];
  /** @returns the plan with what follows from its values */
  readonly complete: (plan: Plan) => Plan;
  /** Further arguments when a campaign runs it. @param folder the run's own, which is deleted when the run has ended */
  readonly extra: (folder: string) => readonly string[];
  /** How long a run takes, about: those that end after a number of steps are given plenty. */
  readonly seconds: (plan: Plan) => number;
  /** @param report of a run that failed. @returns undefined where the report does not say what was found */
  readonly finding: (report: never) => Finding | undefined;
}

interface WithViolations {
  readonly violations?: readonly { readonly oracle: string; readonly detail: string }[];
}

const firstViolation = ({ violations = [] }: WithViolations): Finding | undefined => {
  const [first] = violations;
  return first === undefined ? undefined : { found: first.oracle, detail: first.detail };
};

const quiet = (): readonly string[] => ['--quiet'];
const asGiven = (plan: Plan): Plan => plan;
const nothing = (): readonly string[] => [];

const flag = (name: string, value: unknown): readonly string[] => (value === undefined ? [] : [name, `${value}`]);

const SABOTAGE = { usual: undefined, simpler: nothingSimpler };

const stress: Kind = {
  fields: {
    vcpus: { check: integer(1, 256), usual: 4, simpler: smaller(1) },
    pageSize: {
      check: powerOfTwo(1, 2 ** 30),
      usual: PAGE_SIZE,
      simpler: (size) => (size === PAGE_SIZE ? [] : [PAGE_SIZE]),
    },
    pagesPerBlock: { check: powerOfTwo(64, MOST_PAGES_PER_BLOCK), usual: undefined, simpler: leftOut },
    kernel: { check: oneOf(KERNELS), usual: undefined, simpler: leftOut },
    faults: { check: oneOf([false, true]), usual: false, simpler: (faults) => (faults === true ? [false] : []) },
    sabotage: { check: oneOf(Object.keys(SABOTAGES)), ...SABOTAGE },
    // A run of less is likely to do too little to mean anything.
    seconds: { check: seconds(MOST_SECONDS), usual: 10, simpler: smaller(5) },
  },
  needsCheckout: false,
  command: 'stress',
  arguments: (plan) => stressArguments(plan as unknown as StressPlan),
  // Some planted bugs show only with faults.
  complete: (plan) => ({ ...plan, faults: plan.faults || SABOTAGES[`${plan.sabotage}`]?.needsFaults === true }),
  extra: quiet,
  seconds: (plan) => plan.seconds as number,
  finding: firstViolation,
};

const migration: Kind = {
  fields: {
    vcpus: { check: integer(1, 64), usual: 2, simpler: smaller(1) },
    ram: { check: integer(1, 1024), usual: 4, simpler: smaller(1) },
    dirtyRate: { check: integer(64, 10_000_000), usual: 2000, simpler: smaller(64) },
    sabotage: { check: oneOf(Object.keys(MIGRATION_SABOTAGES)), ...SABOTAGE },
    seconds: { check: integer(1, MOST_SECONDS), usual: 60, simpler: smaller(5) },
  },
  needsCheckout: false,
  command: 'migrate-demo',
  complete: asGiven,
  arguments: (plan) => [
    ...['--ram', `${plan.ram}`, '--vcpus', `${plan.vcpus}`, '--dirty-rate', `${plan.dirtyRate}`],
    ...['--faults', '--seconds', `${plan.seconds}`, '--seed', `${plan.seed}`],
    ...flag('--sabotage', plan.sabotage),
  ],
  extra: quiet,
  seconds: (plan) => plan.seconds as number,
  finding: firstViolation,
};

interface LitmusCounts {
  readonly harvests?: { readonly lost: number; readonly rounds: number };
}

const litmus: Kind = {
  fields: {
    rounds: { check: integer(1, 1e12), usual: 1_000_000, simpler: smaller(1000) },
    misuseRounds: {
      check: integer(0, 1e12),
      usual: undefined,
      simpler: (rounds) => (rounds === 0 ? [] : [0]),
    },
    sabotage: { check: oneOf(Object.keys(SABOTAGES)), ...SABOTAGE },
  },
  needsCheckout: false,
  command: 'litmus',
  complete: asGiven,
  arguments: (plan) => [
    ...['--rounds', `${plan.rounds}`],
    ...flag('--misuse-rounds', plan.misuseRounds),
    ...['--seed', `${plan.seed}`],
    ...flag('--sabotage', plan.sabotage),
  ],
  extra: nothing,
  seconds: (plan) => Math.max(5, (plan.rounds as number) / 50_000),
  finding: ({ harvests }: LitmusCounts) => {
    const lost = harvests === undefined ? 0 : harvests.lost;
    return lost === 0 ? undefined : { found: 'lost-update', detail: `${lost} of ${harvests?.rounds} rounds` };
  },
};

interface InterleavingsReport {
  readonly failure?: string;
  readonly repeat?: string;
}

/** Random schedules of one scenario of the interleaving checker. */
const interleavings: Kind = {
  fields: {
    scenario: { check: word, usual: 'mark-against-harvest', simpler: nothingSimpler },
    model: { check: oneOf(['sc', 'tso']), usual: 'sc', simpler: (model) => (model === 'tso' ? ['sc'] : []) },
    strategy: { check: oneOf(['random', 'pct']), usual: 'pct', simpler: nothingSimpler },
    depth: { check: integer(1, 20), usual: 3, simpler: smaller(1) },
    schedules: { check: integer(1, 1e9), usual: 10_000, simpler: smaller(100) },
    sabotage: { check: word, ...SABOTAGE },
  },
  needsCheckout: true,
  command: 'check:interleavings',
  complete: asGiven,
  arguments: (plan) => [
    ...['--only', `${plan.scenario}`, '--model', `${plan.model}`, '--strategy', `${plan.strategy}`],
    ...(plan.strategy === 'pct' ? ['--depth', `${plan.depth}`] : []),
    ...['--schedules', `${plan.schedules}`, '--seed', `${plan.seed}`],
    ...flag('--sabotage', plan.sabotage),
  ],
  extra: nothing,
  seconds: (plan) => Math.max(10, (plan.schedules as number) / 500),
  finding: ({ failure, repeat }: InterleavingsReport) => {
    if (failure === undefined) return undefined;
    return { found: 'interleaving', detail: `${failure}; its schedule: ${repeat}` };
  },
};

interface MutationCounts {
  readonly survivors?: readonly { readonly file: string; readonly before: string; readonly after: string }[];
  /** Why specs could judge no mutant. */
  readonly failure?: string;
}

/** A random sample of mutants, which the specs must kill. */
const mutation: Kind = {
  fields: {
    sample: { check: integer(1, 100_000), usual: 10, simpler: smaller(1) },
    only: { check: sourceFile, usual: undefined, simpler: nothingSimpler },
  },
  needsCheckout: true,
  command: 'mutate',
  complete: asGiven,
  arguments: (plan) => [...['--sample', `${plan.sample}`, '--seed', `${plan.seed}`], ...flag('--only', plan.only)],
  // Two runs on one machine must not write over each other's sandboxes.
  extra: (folder) => ['--folder', folder],
  // Most mutants die within a minute. One that survives is run by all specs, among them the interleaving checker's.
  seconds: (plan) => 3600 + 600 * (plan.sample as number),
  finding: ({ survivors = [], failure }: MutationCounts) => {
    const [first] = survivors;
    if (first === undefined) return failure === undefined ? undefined : { found: 'unmutated-failure', detail: failure };
    const others = survivors.length === 1 ? '' : `, and ${survivors.length - 1} more`;
    return { found: 'survivor', detail: `${first.file}: ${first.before} became ${first.after}${others}` };
  },
};

export const KINDS = { stress, 'migrate-demo': migration, litmus, interleavings, mutation } as const;
export type KindName = keyof typeof KINDS;
