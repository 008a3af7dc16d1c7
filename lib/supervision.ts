/**
 * Retiring the readers of threads that end without detaching. Only the thread's `exit` event says that it is gone (it
 * may run on for most of a second after `terminate()`), and inside that event its id is not known any more: the
 * identity is captured when supervision begins.
 *
 * A worker may outlive many engines. It has one listener, however many engines ask, and what that holds of an engine is
 * weak: neither a closed engine nor its memory is kept. The readers of a closed engine are retired all the same as long as
 * anybody holds its memory, in which another engine could be created only then.
 */
import { Arena } from './arena/arena.js';
import { UsageError, wrongType } from './base/errors.js';
import { exitOutrunsThread } from './base/host.js';
import type { Rcu } from './rcu/rcu.js';
import { retireIdentity } from './rcu/registry.js';

/** A Node Worker, as far as supervision needs it. */
export interface SupervisedWorker {
  readonly threadId: number;
  /** As an EventEmitter's. */
  once(event: 'exit', listener: () => void): unknown;
}

/** An engine that wants to know of a worker's end. */
interface Ward {
  readonly memory: WeakRef<WebAssembly.Memory>;
  readonly retire: (identity: number) => void;
}

/** By worker and engine id. */
const wards = new WeakMap<SupervisedWorker, Map<number, Ward>>();

/**
 * Has the worker's readers retired when its thread has ended. An engine supervises a worker once, however often asked.
 * @throws TypeError when it is no Worker, or has ended already; UsageError where the event cannot be relied on
 */
export function supervise(worker: SupervisedWorker, arena: Arena, rcu: Rcu): void {
  if (typeof worker !== 'object' || worker === null || typeof worker.once !== 'function') {
    throw wrongType('supervise', 'worker', worker, 'a Worker of node:worker_threads');
  }
  if (exitOutrunsThread) {
    throw new UsageError(
      "supervise: in Deno a worker's exit event comes while its thread may run on for seconds; have the thread detach, or " +
        'end otherwise in a way that you know of, and call retire with its identity then',
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

/** Holds nothing of what it is given. */
function wardOf(arena: Arena, rcu: Rcu): Ward {
  const memory = new WeakRef(arena.handle.memory);
  const periods = new WeakRef(rcu);
  const { shape } = arena;
  const retire = (identity: number): void => {
    const held = memory.deref();
    if (held === undefined) return;
    retireIdentity(Arena.over(held, shape), identity);
    periods.deref()?.step();
  };
  return { memory, retire };
}
