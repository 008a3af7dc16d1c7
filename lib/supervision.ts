/**
 * Retires the readers of threads that end without detaching. Only a thread's `exit` event says that the thread is gone
 * (it may run on for most of a second after `terminate()`). Inside that event the thread's id is no longer known, so
 * the identity is captured when supervision begins.
 *
 * A worker may outlive many engines. It has one listener, however many engines supervise it, and the listener refers to
 * engines and memories weakly, so that it keeps neither alive. Readers of a closed engine are still retired as long as
 * anybody holds the memory, because another engine can be created in that memory only when they are gone.
 */
import { Arena } from './arena/arena.js';
import { UsageError, wrongType } from './base/errors.js';
import { exitOutrunsThread } from './base/host.js';
import type { Rcu } from './rcu/rcu.js';
import { retireIdentity } from './rcu/registry.js';

/** A Node Worker, as far as supervision needs it. */
export interface SupervisedWorker {
  readonly threadId: number;
  /** As `EventEmitter.once`. */
  once(event: 'exit', listener: () => void): unknown;
}

/** An engine that retires readers when a worker ends. */
interface Ward {
  readonly memory: WeakRef<WebAssembly.Memory>;
  readonly retire: (identity: number) => void;
}

/** The wards of each worker, by engine id. */
const wards = new WeakMap<SupervisedWorker, Map<number, Ward>>();

/**
 * Retires the worker's readers when its thread has ended. Further calls for the same engine and worker do nothing.
 * @throws TypeError when `worker` is not a Worker, or has ended already; UsageError where the `exit` event cannot be
 *   relied on
 */
export function supervise(worker: SupervisedWorker, arena: Arena, rcu: Rcu): void {
  if (typeof worker !== 'object' || worker === null || typeof worker.once !== 'function') {
    throw wrongType('supervise', 'worker', worker, 'a Worker of node:worker_threads');
  }
  if (exitOutrunsThread) {
    throw new UsageError(
      "supervise: in Deno a worker's exit event may come seconds before its thread ends; have the thread detach, or " +
        'find out in another way that it has ended, and then call retire with its identity',
    );
  }
  const identity = worker.threadId;
  const known = wards.get(worker);
  if (known?.has(arena.engineId)) return;
  if (!Number.isInteger(identity) || identity < 0 || identity > 2 ** 31 - 2) {
    throw wrongType('supervise', 'worker.threadId', identity, 'the id of a thread that has not ended');
  }
  const engines = known ?? new Map<number, Ward>();
  if (known === undefined) {
    worker.once('exit', () => {
      for (const { retire } of engines.values()) retire(identity);
    });
    wards.set(worker, engines);
  }
  for (const [id, { memory }] of engines) if (memory.deref() === undefined) engines.delete(id);
  engines.set(arena.engineId, wardOf(arena, rcu));
}

/** @returns a ward that keeps neither the arena's memory nor `rcu` alive */
function wardOf(arena: Arena, rcu: Rcu): Ward {
  const memory = new WeakRef(arena.handle.memory);
  const periods = new WeakRef(rcu);
  const { shape } = arena;
  const retire = (identity: number): void => {
    const held = memory.deref();
    if (held === undefined) return;
    const readers = retireIdentity(Arena.over(held, shape), identity);
    periods.deref()?.afterRetiring(identity, readers);
  };
  return { memory, retire };
}
