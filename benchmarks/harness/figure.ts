/** Figures, the answer to a question. Each has its spread over the rounds, and some have a target. */
import { median, quantile } from './statistics.js';

export interface Target {
  readonly kind: 'at most' | 'at least' | 'exactly';
  readonly value: number;
}

/** The place of a figure in a chart, or in a table of lines and columns. */
export interface Point {
  readonly chart: string;
  readonly line: string;
  /** The place on the axis: a number or a name. */
  readonly x: number | string;
  readonly axis: string;
  /** Whether the lines are alternative ways to do the same thing, of which one is the best. */
  readonly rivals?: boolean;
}

/** The place of a figure in a table whose cells hold several figures, called parts. */
export interface Packed {
  readonly table: string;
  readonly column: string;
  readonly part: string;
}

/** Whether lower or higher values are better; undefined for figures that are not costs. */
export type Better = 'lower' | 'higher';

export interface Figure {
  /** What was measured; for a ratio, "this / that". */
  readonly what: string;
  readonly unit: string;
  readonly median: number;
  /** This and the next field are the quartiles over the rounds. */
  readonly low: number;
  readonly high: number;
  /** The value of the best round (for a ratio, best time / best time): what an undisturbed machine might show. */
  readonly best: number | null;
  readonly target: Target | null;
  /** The number of rounds. */
  readonly rounds: number;
  readonly better?: Better;
  /** How many of the rounds stayed disturbed by other processes, though they were repeated. */
  readonly disturbed?: number;
  readonly point?: Point;
  /**
   * If present, the page has the figure in a collapsed chart, and in the terminal it shares a cell with other figures.
   */
  readonly packed?: Packed;
}

/** @param values one for each round, or a single value */
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

/**
 * @returns whether the value lies within the spread of the rounds, so that the figure is neither clearly above nor
 * below
 */
export function isWithinNoise({ low, high }: Figure, value: number): boolean {
  return low < value && value < high;
}

/**
 * For times, lower is better; for rates and shares kept, higher is. A ratio or a size alone says nothing about speed.
 */
function betterFor(unit: string): Better | undefined {
  if (/^(ns|us|ms|s)\b/.test(unit)) return 'lower';
  return unit.endsWith('/s') || unit === '%' ? 'higher' : undefined;
}
