/** What a question answers with: figures, each with its spread over the rounds, some with a target. */
import { median, quantile } from './statistics.js';

export interface Target {
  readonly kind: 'at most' | 'at least' | 'exactly';
  readonly value: number;
}

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
}

/** @param values one a round, or the only one */
export function figure(
  what: string,
  unit: string,
  values: readonly number[],
  target: Target | null = null,
  best: number | null = null,
): Figure {
  const [low, high] = [quantile(values, 0.25), quantile(values, 0.75)];
  return { what, unit, median: median(values), low, high, best, target };
}

export const atMost = (value: number): Target => ({ kind: 'at most', value });
export const atLeast = (value: number): Target => ({ kind: 'at least', value });
export const exactly = (value: number): Target => ({ kind: 'exactly', value });

export function isReached({ median }: Figure, { kind, value }: Target): boolean {
  return kind === 'at most' ? median <= value : kind === 'at least' ? median >= value : median === value;
}
