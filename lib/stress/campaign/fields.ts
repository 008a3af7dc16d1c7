/** The fields of a plan: what values each may have, and which are simpler, for whoever searches for a short plan. */
import { checkInteger, checkPowerOfTwo, outOfRange, wrongType } from '../../base/errors.js';

/** @returns the value. @throws TypeError or RangeError that names the field */
export type Check = (what: string, value: unknown) => unknown;

export interface Field {
  readonly check: Check;
  /** What a plan has that leaves the field out. */
  readonly usual: unknown;
  /** @returns values that make a shorter or simpler run, the simplest first */
  readonly simpler: (value: unknown) => readonly unknown[];
}

export const nothingSimpler = (): readonly unknown[] => [];

/** The value is left to its default. */
export const leftOut = (value: unknown): readonly unknown[] => (value === undefined ? [] : [undefined]);

/** @returns the least value, and half of the given one, where they are less */
export function smaller(least: number): (value: unknown) => readonly unknown[] {
  return (value) => {
    const half = Math.max(least, Math.floor((value as number) / 2));
    return [...new Set([least, half])].filter((one) => one < (value as number));
  };
}

export const integer = (least: number, most: number): Check => {
  return (what, value) => checkInteger('campaign', what, value, least, most);
};

export const powerOfTwo = (least: number, most: number): Check => {
  return (what, value) => checkPowerOfTwo('campaign', what, value, least, most);
};

export const oneOf = (names: readonly unknown[]): Check => {
  return (what, value) => {
    if (names.includes(value)) return value;
    throw outOfRange('campaign', what, value, `one of ${names.join(', ')}`);
  };
};

export const seconds = (most: number): Check => {
  return (what, value) => {
    if (typeof value !== 'number') throw wrongType('campaign', what, value, 'a number');
    if (value > 0 && value <= most) return value;
    throw outOfRange('campaign', what, value, `above 0, at most ${most}`);
  };
};

/** A name that another program knows: the campaign checks only that it cannot be taken for an option or a path. */
export const word: Check = (what, value) => {
  if (typeof value === 'string' && /^[a-z][a-z0-9-]{0,99}$/.test(value)) return value;
  throw outOfRange('campaign', what, value, 'a name in lower-case letters, digits and hyphens');
};

/** A file of the sources. */
export const sourceFile: Check = (what, value) => {
  if (typeof value === 'string' && /^lib(\/[a-z][a-z0-9-]*)+\.ts$/.test(value)) return value;
  throw outOfRange('campaign', what, value, 'a source file, such as lib/rcu/reader.ts');
};
