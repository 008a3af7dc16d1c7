/** Runs an exploration on threads of its own. */
import { Worker } from 'node:worker_threads';
import { SCENARIOS } from '../scenarios/catalogue.js';
import type { Plan } from './plan.js';
import { MEMORY_PAGES } from './scenario.js';
import { createSharedState, Global, type SharedState } from './shared-state.js';
import { readTrace } from './trace.js';

export interface ThreadWork {
  readonly state: SharedState;
  readonly plan: Plan;
  readonly me: number;
}

export type FromThread =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'failed'; readonly what: string; readonly schedule: string }
  | { readonly kind: 'done'; readonly exhausted: boolean; readonly outcomes: readonly string[] };

export interface Progress {
  readonly schedules: number;
  readonly states: number;
}

export interface Exploration extends Progress {
  readonly failure?: string;
  /** Of the failing schedule, for a replay. */
  readonly schedule?: string;
  /** Was everything tried that the strategy's bound lets pass? */
  readonly exhausted: boolean;
  /** What `check` returned, each once. */
  readonly outcomes: readonly string[];
  /** All that were run: also to find out which words are shared. */
  readonly allSchedules: number;
  readonly restarts: number;
  readonly seconds: number;
  /** A replay's accesses, in words. */
  readonly trace: readonly string[];
}

export interface ExploreOptions {
  /** Told ten times a second. */
  readonly onProgress?: (progress: Progress) => void;
  /** log2 of how many states can be told apart. Default 20. */
  readonly log2States?: number;
}

export async function explore(plan: Plan, { onProgress, log2States = 20 }: ExploreOptions = {}): Promise<Exploration> {
  const count = SCENARIOS[plan.scenario]?.threads;
  if (count === undefined) throw new RangeError(`there is no scenario '${plan.scenario}'`);
  const state = createSharedState(MEMORY_PAGES, log2States);
  const counter = (which: number): number => state.global[which] as number;
  const began = performance.now();
  const workers: Worker[] = [];
  const timer = setInterval(
    () => onProgress?.({ schedules: counter(Global.AllSchedules), states: counter(Global.States) }),
    100,
  );
  try {
    const end = await new Promise<FromThread>((resolve, reject) => {
      let loaded = 0;
      for (let me = 0; me < count; me++) {
        const workerData: ThreadWork = { state, plan, me };
        const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData });
        workers.push(worker);
        worker.on('error', reject);
        worker.on('message', (message: FromThread) => {
          if (message.kind !== 'loaded') resolve(message);
          else if (++loaded === count) workers[0]?.postMessage('begin');
        });
      }
    });
    return {
      ...(end.kind === 'failed' ? { failure: end.what, schedule: end.schedule } : {}),
      exhausted: end.kind === 'done' && end.exhausted,
      outcomes: end.kind === 'done' ? end.outcomes : [],
      schedules: counter(Global.Schedules),
      allSchedules: counter(Global.AllSchedules) + (end.kind === 'failed' ? 1 : 0),
      states: counter(Global.States),
      restarts: counter(Global.Restarts),
      seconds: (performance.now() - began) / 1000,
      trace: plan.strategy.kind === 'replay' ? readTrace(state) : [],
    };
  } finally {
    clearInterval(timer);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
