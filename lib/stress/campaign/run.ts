/** One run of a campaign: a plan of some kind, and the command that repeats it. */
import { outOfRange, wrongType } from '../../base/errors.js';
import { commandLine } from '../command-line.js';
import { integer, oneOf } from './fields.js';
import { KINDS, type Kind, type KindName, type Plan } from './kinds.js';

export interface Run {
  readonly kind: KindName;
  readonly plan: Plan;
  /** The command that repeats the run; it identifies the run. */
  readonly repeat: string;
  /** How long it takes, about. */
  readonly seconds: number;
}

export const isCheckout = import.meta.url.endsWith('.ts');

export const checkSeed = integer(0, 2 ** 32 - 1);

/** @throws RangeError when there is no such kind, or it needs a checkout of the sources and this is the package */
export function checkKind(value: unknown): KindName {
  const name = oneOf(Object.keys(KINDS))('kind', value) as KindName;
  if (isCheckout || !KINDS[name].needsCheckout) return name;
  throw new RangeError(
    `campaign: runs of kind ${name} need a checkout of dirtymem's sources; start the campaign there`,
  );
}

/** @throws RangeError when a field is none of the kind's. @param also names that are allowed besides */
export function checkFieldNames(name: KindName, given: object, also: readonly string[]): void {
  const known = [...Object.keys(KINDS[name].fields), ...also];
  for (const field of Object.keys(given)) {
    if (!known.includes(field)) throw outOfRange('campaign', 'a field', field, `one of ${known.join(', ')}`);
  }
}

/**
 * @param given the values of the plan's fields, which are not checked yet
 * @throws TypeError or RangeError that names what is wrong
 */
export function parseRun(kind: unknown, given: unknown): Run {
  const name = checkKind(kind);
  if (typeof given !== 'object' || given === null) throw wrongType('campaign', 'a plan', given, 'an object');
  checkFieldNames(name, given, ['seed']);
  const values = given as Record<string, unknown>;
  const fields: Kind['fields'] = KINDS[name].fields;
  const checked = Object.entries(fields).map(([field, { check, usual }]) => {
    return [field, values[field] === undefined ? usual : check(field, values[field])];
  });
  return runOf(name, { ...Object.fromEntries(checked), seed: checkSeed('seed', values.seed) as number });
}

/** @param given whose values have been checked */
export function runOf(name: KindName, given: Plan): Run {
  const kind: Kind = KINDS[name];
  const plan = kind.complete(given);
  return { kind: name, plan, repeat: commandLine(kind.command, kind.arguments(plan)), seconds: kind.seconds(plan) };
}
