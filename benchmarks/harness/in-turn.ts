/**
 * Measures in turn what `compare` cannot: operations that wait, need much preparation, or run in another process. Each
 * sample is one operation, which times itself.
 */
import { Comparison } from './compare.js';
import { median } from './statistics.js';

export interface Measured {
  readonly name: string;
  /** Prepares, does it once, and clears up. @returns nanoseconds of the middle part */
  readonly sample: () => number | Promise<number>;
}

/** @param samples of each in a round, whose median is the round's */
export async function measureInTurn(measured: readonly Measured[], rounds: number, samples = 3): Promise<Comparison> {
  const times = new Map<string, number[]>(measured.map(({ name }) => [name, []]));
  // The first round warms up.
  for (let round = -1; round < rounds; round++) {
    const inRound = new Map<string, number[]>(measured.map(({ name }) => [name, []]));
    for (let i = 0; i < measured.length * samples; i++) {
      const { name, sample } = measured[(i + round + 1) % measured.length] as Measured;
      inRound.get(name)?.push(await sample());
    }
    if (round < 0) continue;
    for (const [name, values] of inRound) times.get(name)?.push(median(values));
  }
  return new Comparison(times);
}

/** @returns nanoseconds */
export function timeOnce(operation: () => void): number {
  const began = performance.now();
  operation();
  return (performance.now() - began) * 1e6;
}
