/** The threads that explorations run on, one exploration after another. */
import { Worker } from 'node:worker_threads';
import { MUTANTS } from '../../mutants/catalogue.js';
import { loading } from '../../mutants/mutant.js';
import { SCENARIOS } from '../scenarios/catalogue.js';
import type { Plan } from './plan.js';
import { MEMORY_PAGES } from './scenario.js';
import { createSharedState, Global, type SharedState } from './shared-state.js';
import { readTrace } from './trace.js';

const THREADS = 3;

export type FromThread =
  | { readonly kind: 'idle' }
  | { readonly kind: 'failed'; readonly what: string; readonly schedule: string }
  | { readonly kind: 'done'; readonly exhausted: boolean; readonly outcomes: readonly string[] };

type End = Exclude<FromThread, { kind: 'idle' }>;

export interface Progress {
  /** All that were run: also to find out which words are shared. */
  readonly allSchedules: number;
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
  /** Of the search itself. */
  readonly schedules: number;
  readonly restarts: number;
  readonly seconds: number;
  /** A replay's accesses, in words. */
  readonly trace: readonly string[];
}

export class Crew {
  private readonly state: SharedState;
  private workers: readonly Worker[];
  /** The mutant that they have loaded. */
  private mutant: string | undefined;

  /** @param log2States how many states can be told apart */
  constructor(log2States = 20) {
    this.state = createSharedState(MEMORY_PAGES, log2States);
    this.workers = this.recruit();
  }

  /**
   * @param onProgress told ten times a second
   * @throws RangeError when a schedule is to be repeated that cannot be followed
   */
  async explore(plan: Plan, onProgress?: (progress: Progress) => void): Promise<Exploration> {
    if (SCENARIOS[plan.scenario] === undefined) throw new RangeError(`there is no scenario '${plan.scenario}'`);
    await this.load(plan.sabotage);
    const { global, threads, shared, touched, visited } = this.state;
    for (const array of [global, threads, shared, touched, visited]) array.fill(0);
    const counter = (which: number): number => global[which] as number;
    const progress = (): Progress => ({
      allSchedules: counter(Global.AllSchedules),
      states: counter(Global.States),
    });
    const began = performance.now();
    const timer = setInterval(() => onProgress?.(progress()), 100);
    try {
      const { sabotage, ...shipped } = plan;
      // The engine's parts are the shipped ones where a mutant of the sources is the bug.
      const end = await this.play(sabotage === this.mutant ? shipped : plan);
      const misfitAt = counter(Global.MisfitAt);
      if (misfitAt > 0 && plan.strategy.kind === 'replay') {
        const part = plan.strategy.schedule.split(',')[misfitAt - 1];
        throw new RangeError(`the schedule cannot be followed at step ${misfitAt}, '${part}'`);
      }
      return {
        ...(end.kind === 'failed' ? { failure: end.what, schedule: end.schedule } : {}),
        exhausted: end.kind === 'done' && end.exhausted,
        outcomes: end.kind === 'done' ? end.outcomes : [],
        schedules: counter(Global.Schedules),
        states: counter(Global.States),
        allSchedules: counter(Global.AllSchedules) + (end.kind === 'failed' ? 1 : 0),
        restarts: counter(Global.Restarts),
        seconds: (performance.now() - began) / 1000,
        trace: plan.strategy.kind === 'replay' ? readTrace(this.state) : [],
      };
    } finally {
      clearInterval(timer);
    }
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  /** Threads load the engine once, so a mutant takes threads of its own. */
  private async load(sabotage: string | undefined): Promise<void> {
    const mutant = MUTANTS[sabotage ?? ''] === undefined ? undefined : sabotage;
    if (mutant === this.mutant) return;
    await this.dismiss();
    this.mutant = mutant;
    this.workers = this.recruit();
  }

  private recruit(): Worker[] {
    const mutant = MUTANTS[this.mutant ?? ''];
    const execArgv = mutant === undefined ? process.execArgv : loading(mutant);
    return Array.from({ length: THREADS }, (_, me) => {
      return new Worker(new URL('./thread.js', import.meta.url), { workerData: { state: this.state, me }, execArgv });
    });
  }

  /** @returns the exploration's end, when all threads are idle again */
  private async play(plan: Plan): Promise<End> {
    let end: End | undefined;
    await Promise.all(
      this.workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            const listen = (message: FromThread): void => {
              if (message.kind === 'idle') {
                worker.off('message', listen).off('error', reject);
                resolve();
              } else end ??= message;
            };
            worker.on('message', listen).on('error', reject);
            worker.postMessage(plan);
          }),
      ),
    );
    if (end === undefined) throw new Error('the exploration has ended without a result');
    return end;
  }
}
