/**
 * Histograms of times in shared memory, one for each phase, with buckets of about 2 %. One thread adds times, another
 * sets the phase.
 */

const BUCKETS = 1024;
const BUCKETS_A_DOUBLING = 32;
const PHASES = 3;

export class Gaps {
  readonly words: Int32Array;

  constructor(words: Int32Array = new Int32Array(new SharedArrayBuffer((1 + PHASES * BUCKETS) * 4))) {
    this.words = words;
  }

  /** The phase, from 0 to 2; with any other value nothing is counted. */
  set phase(phase: number) {
    Atomics.store(this.words, 0, phase);
  }

  add(milliseconds: number): void {
    const phase = Atomics.load(this.words, 0);
    if (phase >= PHASES) return;
    const bucket = Math.floor(Math.log2(Math.max(1, milliseconds * 1e6)) * BUCKETS_A_DOUBLING);
    const at = 1 + phase * BUCKETS + Math.min(BUCKETS - 1, bucket);
    Atomics.store(this.words, at, Atomics.load(this.words, at) + 1);
  }

  /** @returns the quantile of all histograms together, in nanoseconds */
  static quantile(all: readonly Gaps[], phase: number, fraction: number): number {
    const counts = Array.from({ length: BUCKETS }, (_, bucket) =>
      all.reduce((sum, { words }) => sum + Atomics.load(words, 1 + phase * BUCKETS + bucket), 0),
    );
    let left = counts.reduce((sum, count) => sum + count, 0) * fraction;
    let bucket = 0;
    for (; bucket < BUCKETS - 1; bucket++) {
      left -= counts[bucket] as number;
      if (left <= 0) break;
    }
    return 2 ** ((bucket + 0.5) / BUCKETS_A_DOUBLING);
  }

  clear(): void {
    for (let at = 1; at < this.words.length; at++) Atomics.store(this.words, at, 0);
  }
}
