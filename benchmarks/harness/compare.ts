/**
 * Measures things against each other in one run: every round times each of them, the order turning from round to round,
 * so that a change of the machine's speed meets all. Each takes the median of its samples in the round; what is
 * reported are medians over the rounds.
 *
 * A sample is a batch of operations: the clock costs as much as twenty marks. Two traps, each good for a factor of three:
 * one long loop is compiled while it runs (on-stack replacement), to slower code than a function that is called often
 * gets; and a loop that is inlined into whoever calls it runs in that one's code, which for want of calls may stay that of
 * a lower tier. So a batch is a function of its own that takes its subject as arguments, runs for some tens of
 * microseconds, and is called from one place that calls many different functions, where nothing is inlined.
 */
import { Bench } from 'tinybench';
import { type Figure, figure, type Target } from './figure.js';

export interface Contender {
  readonly name: string;
  /** How many operations a batch is. */
  readonly operations: number;
  /** Given `subject`. */
  readonly batch: (first: never, second: never) => void;
  readonly subject?: readonly [unknown, unknown];
  /** Runs before each batch, not timed. */
  readonly prepare?: () => void | Promise<void>;
}

export interface Effort {
  readonly rounds: number;
  /** Timed milliseconds a contender and round, at least. Default 15. */
  readonly milliseconds?: number;
  /** Samples a contender and round, at least. Default 20. */
  readonly samples?: number;
  /** Batches of each before anything counts. Default 400. */
  readonly warmUp?: number;
}

/** Nanoseconds an operation, by round. */
export class Comparison {
  private readonly times: ReadonlyMap<string, readonly number[]>;

  constructor(times: ReadonlyMap<string, readonly number[]>) {
    this.times = times;
  }

  /** @param unit of the figure, as many nanoseconds as `scale` says */
  time(name: string, unit = 'ns', scale = 1, target: Target | null = null): Figure {
    const values = this.of(name).map((nanoseconds) => nanoseconds / scale);
    return figure(name, unit, values, target, Math.min(...values));
  }

  /** The median of the rounds' ratios. */
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
  // The first round is one more of warming up.
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

// Two callees are enough for the call in `timed` to be one that is not inlined, also where there is one contender.
timed({ batch: () => {} });
timed({ batch: () => void NOTHING });
