/**
 * A campaign: many runs, described by a JSON file. Each field holds a value or a list of values; the campaign runs every
 * combination of the values with every seed. A field that is left out has the same default as the option of a single
 * run. Runs of several kinds, or sets of combinations, are a list of `parts`.
 */
import { checkInteger, outOfRange, wrongType } from '../../base/errors.js';
import { readJsonFile } from '../json-file.js';
import { type Check, seconds } from './fields.js';
import { KINDS, type Kind, type Plan } from './kinds.js';
import { checkFieldNames, checkKind, checkSeed, type Run, runOf } from './run.js';

export interface Campaign {
  /** The runs, all different, ordered by seed, so that a part of the campaign already tries every combination. */
  readonly runs: readonly Run[];
  /** How many runs go on at the same time on one machine. */
  readonly parallel: number;
  /** A run that has not ended this long after its time is killed. */
  readonly graceSeconds: number;
}

/** Limit of the number of runs: more would take years, and the list of them too much memory. */
const MOST_RUNS = 100_000;
/** Together with the seconds of a run, this stays below 2^31 ms, where timers overflow. */
const MOST_GRACE_SECONDS = 100_000;
/** Limit of the file's size: enough for a list of as many seeds as there may be runs. */
const MOST_BYTES = 2 ** 22;
const SETTINGS = ['parallel', 'graceSeconds'];
const OF_A_PART = ['kind', 'seeds'];

/** @throws Error that names the file when it cannot be read, or the field when its value is wrong */
export function readCampaign(path: string): Campaign {
  return parseCampaign(readJsonFile(path, MOST_BYTES));
}

/** @throws TypeError or RangeError that names the field whose value is wrong */
export function parseCampaign(given: unknown): Campaign {
  const { parallel = 1, graceSeconds = 120, ...rest } = objectOf('the file', given);
  const settings = {
    parallel: checkInteger('campaign', 'parallel', parallel, 1, 64),
    graceSeconds: checkGraceSeconds(graceSeconds),
  };
  const parts = partsOf(rest).map((part) => new Part(part, rest.parts === undefined ? SETTINGS : []));
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  if (count > MOST_RUNS) {
    const counts = parts.map((part) => part.howCounted).join(' + ');
    throw outOfRange('campaign', `the number of runs (${counts})`, count, `at most ${MOST_RUNS}`);
  }
  const rounds = Math.max(...parts.map(({ seeds }) => seeds.length));
  const all = Array.from({ length: rounds }, (_, round) => parts.flatMap((part) => part.runsOf(round))).flat();
  return { runs: [...new Map(all.map((run) => [run.repeat, run])).values()], ...settings };
}

/** @throws TypeError or RangeError */
export function checkGraceSeconds(value: unknown): number {
  return seconds(MOST_GRACE_SECONDS)('graceSeconds', value) as number;
}

function objectOf(what: string, given: unknown): Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Record<string, unknown>;
  throw wrongType('campaign', what, given, 'an object');
}

function partsOf(fields: Record<string, unknown>): Record<string, unknown>[] {
  if (fields.parts === undefined) return [fields];
  const [other] = Object.keys(fields).filter((name) => name !== 'parts');
  if (other !== undefined)
    throw outOfRange('campaign', 'beside parts, a field', other, `one of ${SETTINGS.join(', ')}`);
  if (!Array.isArray(fields.parts)) throw wrongType('campaign', 'parts', fields.parts, 'a list');
  if (fields.parts.length === 0) throw new RangeError('campaign: parts must have one, got an empty list');
  return fields.parts.map((part, i) => objectOf(`parts[${i}]`, part));
}

/** Runs of one kind: every combination of the fields' values, with every seed. */
class Part {
  readonly count: number;
  /** The factors of the count, in words. */
  readonly howCounted: string;
  readonly seeds: readonly number[];
  private readonly kind: ReturnType<typeof checkKind>;
  private readonly dimensions: readonly { readonly name: string; readonly values: readonly unknown[] }[];

  /** @param also names of fields that are not the part's, and are allowed beside them */
  constructor(given: Record<string, unknown>, also: readonly string[]) {
    this.kind = checkKind(given.kind ?? 'stress');
    checkFieldNames(this.kind, given, [...OF_A_PART, ...also]);
    const fields: Kind['fields'] = KINDS[this.kind].fields;
    this.dimensions = Object.entries(fields).map(([name, { check, usual }]) => {
      return { name, values: Object.hasOwn(given, name) ? valuesOf(name, given[name], check) : [usual] };
    });
    this.seeds = seedsOf(given.seeds ?? 1);
    const sizes = [
      ...this.dimensions.map(({ name, values }) => ({ name, size: values.length })),
      { name: 'seeds', size: this.seeds.length },
    ];
    this.count = sizes.reduce((product, { size }) => product * size, 1);
    const factors = sizes.filter(({ size }) => size > 1);
    this.howCounted = factors.length === 0 ? '1' : factors.map(({ name, size }) => `${size} ${name}`).join(' x ');
  }

  /** @returns the runs with the seed of that number, if there is one */
  runsOf(round: number): Run[] {
    const seed = this.seeds[round];
    if (seed === undefined) return [];
    const none: Record<string, unknown>[] = [{}];
    const combinations = this.dimensions.reduce(
      (before, { name, values }) => before.flatMap((others) => values.map((value) => ({ ...others, [name]: value }))),
      none,
    );
    return combinations.map((values) => runOf(this.kind, { ...values, seed } as Plan));
  }
}

function valuesOf(name: string, given: unknown, check: Check): unknown[] {
  if (!Array.isArray(given)) return [check(name, given)];
  if (given.length === 0) throw new RangeError(`campaign: ${name} must have a value, got an empty list`);
  return given.map((value, i) => check(`${name}[${i}]`, value));
}

/** A number n stands for the seeds 1 to n: the same seeds every time, so that a campaign can be resumed. */
function seedsOf(given: unknown): number[] {
  if (Array.isArray(given)) return valuesOf('seeds', given, checkSeed) as number[];
  const count = checkInteger('campaign', 'seeds', given, 1, MOST_RUNS);
  return Array.from({ length: count }, (_, i) => i + 1);
}
