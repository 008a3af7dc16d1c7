/** A vCPU on a worker thread of Node's. */
import { Worker } from 'node:worker_threads';
import type { ArenaHandle } from '../../lib/arena/arena.js';
import { CommandedVcpu } from './commanded-vcpu.js';
import type { Order, Reply } from './vcpu-orders.js';

const started = new Set<RemoteVcpu>();

/** For `afterEach`: no thread outlives its test. */
export async function endThreads(): Promise<void> {
  const all = [...started];
  started.clear();
  await Promise.all(all.map(({ worker }) => worker.terminate()));
}

export class RemoteVcpu extends CommandedVcpu {
  readonly worker: Worker;
  readonly identity: number;
  /** What the thread died of, if it was an error. */
  failure: unknown;
  /** Its exit code. */
  readonly exited: Promise<number>;

  constructor(handle: ArenaHandle, guest?: SharedArrayBuffer) {
    super(handle, guest);
    this.worker = new Worker(new URL('./vcpu-worker.js', import.meta.url), { workerData: this.work });
    this.identity = this.worker.threadId;
    started.add(this);
    this.worker.on('message', (reply: Reply) => this.replied(reply));
    this.worker.on('error', (error) => {
      this.failure = error;
    });
    this.exited = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        resolve(code);
        this.ended(this.failure ?? new Error(`exited with ${code}`));
      });
    });
  }

  /** A thread that has attached. */
  static async attached(handle: ArenaHandle, name: string, guest?: SharedArrayBuffer): Promise<RemoteVcpu> {
    const vcpu = new RemoteVcpu(handle, guest);
    await vcpu.attach({ name });
    return vcpu;
  }

  /** Without an answer, because it ends the thread. @returns the exit code */
  leave(how: 'return' | 'exit' | 'throw'): Promise<number> {
    this.order({ do: how }).catch(() => {});
    return this.exited;
  }

  protected override send(order: Order): void {
    this.worker.postMessage(order);
  }
}
