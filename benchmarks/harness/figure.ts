/** What a question answers with: figures, each with its spread over the rounds, some with a target. */
import { median, quantile } from './statistics.js';

export interface Target {
  readonly kind: 'at most' | 'at least' | 'exactly';
  readonly value: number;
}

/** Where a figure stands in a chart, or in a table of lines and columns. */
export interface Point {
  readonly chart: string;
  readonly line: string;
  /** A number, or one of the names on the axis. */
  readonly x: number | string;
  readonly axis: string;
  /** The lines are ways to do the same thing: one is the best. */
  readonly rivals?: boolean;
}

/** Where a figure stands in a table whose cells hold several, each a part. */
export interface Packed {
  readonly table: string;
  readonly column: string;
  readonly part: string;
}

/** Which way is faster; undefined for what is no cost. */
export type Better = 'lower' | 'higher';

export interface Figure {
  /** What was measured; a ratio reads "this / that". */
  readonly what: string;
  readonly unit: string;
  readonly median: number;
  /** The quartiles over the rounds. */
  readonly low: number;
  readonly high: number;
  /** Of the best round; of a ratio, best time to best time: what a machine without neighbours might show. */
  readonly best: number | null;
  readonly target: Target | null;
  /** How many rounds it is of. */
  readonly rounds: number;
  readonly better?: Better;
  /** How many of the rounds others on the machine disturbed, however often they were repeated. */
  readonly disturbed?: number;
  readonly point?: Point;
  /** On the page it is in a chart that has to be opened; in the terminal it shares a cell with others of its line. */
  readonly packed?: Packed;
}

/** @param values one a round, or the only one */
export function figure(
  what: string,
  unit: string,
  values: readonly number[],
  target: Target | null = null,
  best: number | null = null,
): Figure {
  if (!values.every(Number.isFinite)) throw new RangeError(`figure '${what}': ${values} are not all numbers`);
  const [low, high] = [quantile([...values], 0.25), quantile([...values], 0.75)];
  const better = betterFor(unit);
  return {
    what,
    unit,
    median: median([...values]),
    low,
    high,
    best,
    target,
    rounds: values.length,
    ...(better && { better }),
  };
}

export const atMost = (value: number): Target => ({ kind: 'at most', value });
export const atLeast = (value: number): Target => ({ kind: 'at least', value });
export const exactly = (value: number): Target => ({ kind: 'exactly', value });

export function isReached({ median }: Figure, { kind, value }: Target): boolean {
  return kind === 'at most' ? median <= value : kind === 'at least' ? median >= value : median === value;
}

/** Does the spread of the rounds reach to both sides of a value? Then the figure does not decide. */
export function isWithinNoise({ low, high }: Figure, value: number): boolean {
  return low < value && value < high;
}

/** Times are better low, rates and shares kept high; a ratio or a size says by itself nothing of speed. */
function betterFor(unit: string): Better | undefined {
  if (/^(ns|us|ms|s)\b/.test(unit)) return 'lower';
  return unit.endsWith('/s') || unit === '%' ? 'higher' : undefined;
}
