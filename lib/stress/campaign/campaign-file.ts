/**
 * A campaign: many stress runs, described by a JSON file. Each field holds a value or a list of values; the campaign
 * runs every combination of the values with every seed. A field that is left out has the same default as the option of
 * a single run.
 */
import { checkInteger, checkPowerOfTwo, outOfRange, wrongType } from '../../base/errors.js';
import { readJsonFile } from '../json-file.js';
import { KERNELS, MOST_PAGES_PER_BLOCK, MOST_SECONDS, PAGE_SIZE, type StressPlan } from '../plan.js';
import { repeatCommand } from '../report.js';
import { SABOTAGES } from '../sabotage/catalogue.js';

export interface Campaign {
  /** The runs, all different, ordered by seed, so that a part of the campaign already tries every combination. */
  readonly plans: readonly StressPlan[];
  /** How many runs go on at the same time. */
  readonly parallel: number;
  /** A run that has not ended this long after its time is killed. */
  readonly graceSeconds: number;
}

type Check = (what: string, value: unknown) => unknown;

const integer = (least: number, most: number): Check => {
  return (what, value) => checkInteger('campaign', what, value, least, most);
};
const powerOfTwo = (least: number, most: number): Check => {
  return (what, value) => checkPowerOfTwo('campaign', what, value, least, most);
};
const oneOf = (names: readonly unknown[]): Check => {
  return (what, value) => {
    if (names.includes(value)) return value;
    throw outOfRange('campaign', what, value, `one of ${names.join(', ')}`);
  };
};
const seconds = (most: number): Check => {
  return (what, value) => {
    if (typeof value !== 'number') throw wrongType('campaign', what, value, 'a number');
    if (value > 0 && value <= most) return value;
    throw outOfRange('campaign', what, value, `above 0, at most ${most}`);
  };
};

const DIMENSIONS: Readonly<Record<string, { readonly check: Check; readonly usual: unknown }>> = {
  vcpus: { check: integer(1, 256), usual: 4 },
  pageSize: { check: powerOfTwo(1, 2 ** 30), usual: PAGE_SIZE },
  pagesPerBlock: { check: powerOfTwo(64, MOST_PAGES_PER_BLOCK), usual: undefined },
  kernel: { check: oneOf(KERNELS), usual: undefined },
  faults: { check: oneOf([false, true]), usual: false },
  sabotage: { check: oneOf(Object.keys(SABOTAGES)), usual: undefined },
  seconds: { check: seconds(MOST_SECONDS), usual: 10 },
};
/** Limit of the number of runs: more would take years, and the list of them too much memory. */
const MOST_RUNS = 100_000;
/** Together with the seconds of a run, this stays below 2^31 ms, where timers overflow. */
const MOST_GRACE_SECONDS = 100_000;
/** Limit of the file's size: enough for a list of as many seeds as there may be runs. */
const MOST_BYTES = 2 ** 22;
const SETTINGS = ['seeds', 'parallel', 'graceSeconds'];

/** @throws Error that names the file when it cannot be read, or the field when its value is wrong */
export function readCampaign(path: string): Campaign {
  return parseCampaign(readJsonFile(path, MOST_BYTES));
}

/** @throws TypeError or RangeError that names the field whose value is wrong */
export function parseCampaign(given: unknown): Campaign {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw wrongType('campaign', 'the file', given, 'an object');
  }
  const fields = given as Record<string, unknown>;
  const known = [...Object.keys(DIMENSIONS), ...SETTINGS];
  for (const name of Object.keys(fields)) {
    if (!known.includes(name)) throw outOfRange('campaign', 'a field', name, `one of ${known.join(', ')}`);
  }
  const values = Object.entries(DIMENSIONS).map(([name, { check, usual }]): Values => {
    return { name, values: Object.hasOwn(fields, name) ? valuesOf(name, fields[name], check) : [usual] };
  });
  const { seeds = 1, parallel = 1, graceSeconds = 120 } = fields;
  const all = plansOf(values, seedsOf(seeds));
  return {
    plans: [...new Map(all.map((plan) => [repeatCommand(plan), plan])).values()],
    parallel: checkInteger('campaign', 'parallel', parallel, 1, 64),
    graceSeconds: seconds(MOST_GRACE_SECONDS)('graceSeconds', graceSeconds) as number,
  };
}

interface Values {
  readonly name: string;
  readonly values: readonly unknown[];
}

/**
 * @returns every combination with every seed. They are counted before the list is made, so that it cannot fill memory.
 */
function plansOf(dimensions: readonly Values[], seeds: readonly number[]): StressPlan[] {
  const sizes = [
    ...dimensions.map(({ name, values }) => ({ name, size: values.length })),
    { name: 'seeds', size: seeds.length },
  ];
  const runs = sizes.reduce((product, { size }) => product * size, 1);
  if (runs > MOST_RUNS) {
    const factors = sizes.filter(({ size }) => size > 1).map(({ name, size }) => `${size} ${name}`);
    throw outOfRange('campaign', `the number of runs (${factors.join(' x ')})`, runs, `at most ${MOST_RUNS}`);
  }
  const none: Record<string, unknown>[] = [{}];
  const combinations = dimensions.reduce(
    (before, { name, values }) => before.flatMap((others) => values.map((value) => ({ ...others, [name]: value }))),
    none,
  );
  return seeds.flatMap((seed) => combinations.map((values) => planOf(values, seed)));
}

function valuesOf(name: string, given: unknown, check: Check): unknown[] {
  if (!Array.isArray(given)) return [check(name, given)];
  if (given.length === 0) throw new RangeError(`campaign: ${name} must have a value, got an empty list`);
  return given.map((value, i) => check(`${name}[${i}]`, value));
}

/** A number n stands for the seeds 1 to n: the same seeds every time, so that a campaign can be resumed. */
function seedsOf(given: unknown): number[] {
  if (Array.isArray(given)) return valuesOf('seeds', given, integer(0, 2 ** 32 - 1)) as number[];
  const count = checkInteger('campaign', 'seeds', given, 1, MOST_RUNS);
  return Array.from({ length: count }, (_, i) => i + 1);
}

function planOf(values: Record<string, unknown>, seed: number): StressPlan {
  const plan = { ...values, seed } as StressPlan;
  return { ...plan, faults: plan.faults || SABOTAGES[plan.sabotage ?? '']?.needsFaults === true };
}
