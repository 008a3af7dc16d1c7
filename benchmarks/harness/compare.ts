/**
 * Measures contenders against each other in one run. Every round times each contender, in rotating order, so that a
 * change of the machine's speed affects all of them. A round's value is the median of its samples; the report gives
 * medians over the rounds.
 *
 * A sample is a batch of operations, because reading the clock costs as much as twenty marks. Two effects of the
 * compiler can distort times by a factor of three. A single long loop is compiled while it runs (on-stack replacement),
 * to slower code than a function that is called often. A loop that is inlined into its caller runs in the caller's
 * code, which may stay in a lower compiler tier because the caller is seldom called. So each batch is a function of its
 * own that takes its subject as arguments, runs for some tens of microseconds, and is called from one place that calls
 * many different functions, where V8 inlines nothing.
 */
import { Bench } from 'tinybench';
import { type Figure, figure, type Target } from './figure.js';

export interface Contender {
  readonly name: string;
  /** How many operations a batch does. */
  readonly operations: number;
  /** Called with the elements of `subject` as its arguments. */
  readonly batch: (first: never, second: never) => void;
  readonly subject?: readonly [unknown, unknown];
  /** Runs before each batch, untimed. */
  readonly prepare?: () => void | Promise<void>;
}

export interface Effort {
  readonly rounds: number;
  /** Least timed milliseconds for each contender in a round. Default: 15. */
  readonly milliseconds?: number;
  /** Least number of samples for each contender in a round. Default: 20. */
  readonly samples?: number;
  /** Batches of each contender that run before the measurement. Default: 400. */
  readonly warmUp?: number;
}

/** Nanoseconds per operation, for each contender and round. */
export class Comparison {
  private readonly times: ReadonlyMap<string, readonly number[]>;

  constructor(times: ReadonlyMap<string, readonly number[]>) {
    this.times = times;
  }

  /** @param unit the figure's unit, which is `scale` nanoseconds */
  time(name: string, unit = 'ns', scale = 1, target: Target | null = null): Figure {
    const values = this.of(name).map((nanoseconds) => nanoseconds / scale);
    return figure(name, unit, values, target, Math.min(...values));
  }

  /** @returns the ratio of two contenders: the median of the rounds' ratios */
  ratio(name: string, base: string, target: Target | null = null): Figure {
    const divisors = this.of(base);
    const values = this.of(name).map((time, round) => time / (divisors[round] as number));
    return figure(`${name} / ${base}`, 'x', values, target, Math.min(...this.of(name)) / Math.min(...divisors));
  }

  private of(name: string): readonly number[] {
    const times = this.times.get(name);
    if (times === undefined) throw new RangeError(`compare: '${name}' was not measured`);
    return times;
  }
}

export async function compare(contenders: readonly Contender[], effort: Effort): Promise<Comparison> {
  const { rounds, milliseconds = 15, samples = 20, warmUp = 400 } = effort;
  for (let i = 0; i < warmUp; i++) {
    for (const contender of contenders) {
      await contender.prepare?.();
      timed(contender);
    }
  }
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  // Round -1 is also part of the warm-up.
  for (let round = -1; round < rounds; round++) {
    const bench = new Bench({ time: milliseconds, iterations: samples, warmup: false, throws: true });
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round + 1) % contenders.length] as Contender;
      bench.add(contender.name, sampler(contender));
    }
    await bench.run();
    if (round < 0) continue;
    for (const task of bench.tasks) {
      if (task.result.state !== 'completed') throw new Error(`compare: '${task.name}' is ${task.result.state}`);
      times.get(task.name)?.push(task.result.latency.p50 * 1e6);
    }
  }
  return new Comparison(times);
}

function sampler(contender: Contender): () => unknown {
  const { operations, prepare } = contender;
  const sample = () => {
    const milliseconds = timed(contender);
    return { overriddenDuration: milliseconds / operations, overriddenIterationCost: milliseconds };
  };
  if (prepare === undefined) return sample;
  return async () => {
    await prepare();
    return sample();
  };
}

const NOTHING = [undefined, undefined] as const;

/** @returns milliseconds */
function timed({ batch, subject = NOTHING }: Pick<Contender, 'batch' | 'subject'>): number {
  const began = performance.now();
  batch(subject[0] as never, subject[1] as never);
  return performance.now() - began;
}

// Calls with two more functions make V8 treat the call in `timed` as polymorphic and not inline it, even with one
// contender.
timed({ batch: () => {} });
timed({ batch: () => void NOTHING });
