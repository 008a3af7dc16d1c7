/**
 * Retiring the readers of threads that end without detaching. Only the thread's `exit` event says that it is gone (it
 * may run on for most of a second after `terminate()`), and inside that event its id is not known any more: the
 * identity is captured when supervision begins.
 */
import { wrongType } from './errors.js';

/** A Node Worker, as far as supervision needs it. */
export interface SupervisedWorker {
  readonly threadId: number;
  /** As an EventEmitter's. */
  once(event: 'exit', listener: () => void): unknown;
}

export class Supervision {
  private readonly known = new WeakSet<SupervisedWorker>();

  /**
   * Calls `gone` with the worker's identity when its thread has ended. A worker is supervised once, however often asked.
   * @throws TypeError when it is no Worker, or has ended already
   */
  supervise(worker: SupervisedWorker, gone: (identity: number) => void): void {
    if (typeof worker !== 'object' || worker === null || typeof worker.once !== 'function') {
      throw wrongType('supervise', 'worker', worker, 'a Worker of node:worker_threads');
    }
    if (this.known.has(worker)) return;
    const identity = worker.threadId;
    if (!Number.isInteger(identity) || identity < 0 || identity > 2 ** 31 - 2) {
      throw wrongType('supervise', 'worker.threadId', identity, 'the id of a thread that has not ended');
    }
    worker.once('exit', () => gone(identity));
    this.known.add(worker);
  }
}
