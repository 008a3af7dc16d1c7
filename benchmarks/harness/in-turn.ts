/**
 * Measures operations that `compare` cannot measure, because they wait, need much preparation, or run in another
 * process. The operations take turns. Each sample is one operation, which times itself.
 */
import { Comparison } from './compare.js';
import { median } from './statistics.js';

export interface Measured {
  readonly name: string;
  /** Prepares, does the operation once, and cleans up. @returns the nanoseconds of the operation alone */
  readonly sample: () => number | Promise<number>;
}

/** @param samples how many samples each operation takes in a round; their median is the round's value */
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
