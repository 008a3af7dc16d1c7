/**
 * The threads of a run: a Piscina pool with exactly as many threads as there are long tasks, so that no task queues. It
 * kills threads on demand, and has the readers of ended threads retired.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { DirtyMemory } from '../dirty-memory.js';
import type { Retirement } from './sabotage/sabotage.js';

const WORKERS = new URL('../../workers/', import.meta.url);
/** Enough heap for a workload, but soon exhausted by the fault `heap-exhausted`. */
const SMALL_HEAP = { maxOldGenerationSizeMb: 48 };

export const shippedRetirement: Retirement = { supervise: (memory, worker) => memory.supervise(worker) };

export class ThreadPool {
  private readonly pool: Piscina;
  private readonly memory: DirtyMemory;
  private readonly retirement: Retirement;

  constructor(
    memory: DirtyMemory,
    retirement: Retirement,
    { count, smallHeaps }: { readonly count: number; readonly smallHeaps: boolean },
    onError: (error: Error) => void,
  ) {
    this.memory = memory;
    this.retirement = retirement;
    this.pool = new Piscina({
      minThreads: count,
      maxThreads: count,
      atomics: 'disabled',
      ...(smallHeaps ? { resourceLimits: SMALL_HEAP } : {}),
    });
    this.pool.on('error', onError);
    const known = new WeakSet<Worker>();
    const supervise = (): void => {
      for (const thread of this.pool.threads) {
        if (known.has(thread)) continue;
        known.add(thread);
        retirement.supervise(memory, thread);
      }
    };
    supervise();
    this.pool.on('workerCreate', supervise);
  }

  /** @param signal aborting it kills the thread that runs the task */
  run<T>(file: string, task: object, transferList: readonly MessagePort[] = [], signal?: AbortSignal): Promise<T> {
    const filename = new URL(file, WORKERS).href;
    return this.pool.run(task, {
      filename,
      transferList: [...transferList],
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** To be awaited before a thread is killed. */
  async terminating(identity: number): Promise<void> {
    const thread = this.pool.threads.find(({ threadId }) => threadId === identity);
    if (thread !== undefined) await this.retirement.terminating?.(this.memory, thread);
  }

  destroy(): Promise<void> {
    return this.pool.destroy();
  }
}
