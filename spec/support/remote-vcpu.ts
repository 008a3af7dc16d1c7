/** A vCPU on a thread of its own, as seen from the thread that gives it orders. */
import { Worker } from 'node:worker_threads';
import type { ArenaHandle } from '../../lib/arena/arena.js';
import { Words } from '../../lib/arena/words.js';
import type { AttachOptions } from '../../lib/vcpu.js';
import { until } from './promises.js';
import { Control, type LoopName, type Method, type Order, type Reply, type VcpuWork } from './vcpu-orders.js';

const started = new Set<RemoteVcpu>();

/** For `afterEach`: no thread outlives its test. */
export async function endThreads(): Promise<void> {
  const all = [...started];
  started.clear();
  await Promise.all(all.map(({ worker }) => worker.terminate()));
}

export class RemoteVcpu {
  readonly worker: Worker;
  readonly identity: number;
  readonly control: Words;
  /** What the thread died of, if it was an error. */
  failure: unknown;
  /** Its exit code. */
  readonly exited: Promise<number>;
  private readonly pending: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
  private looping: Promise<unknown> | undefined;

  constructor(handle: ArenaHandle, guest = new SharedArrayBuffer(0)) {
    const control = new SharedArrayBuffer(Control.size * 4);
    this.control = new Words(control, 0, Control.size);
    const work: VcpuWork = { handle, control, guest };
    this.worker = new Worker(new URL('./vcpu-worker.js', import.meta.url), { workerData: work });
    this.identity = this.worker.threadId;
    started.add(this);
    this.worker.on('message', (reply: Reply) => {
      const order = this.pending.shift();
      if ('error' in reply) order?.reject(reply.error);
      else order?.resolve(reply.value);
    });
    this.worker.on('error', (error) => {
      this.failure = error;
    });
    this.exited = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        resolve(code);
        for (const { reject } of this.pending.splice(0)) reject(this.failure ?? new Error(`exited with ${code}`));
      });
    });
  }

  /** A thread that has attached. */
  static async attached(handle: ArenaHandle, name: string, guest?: SharedArrayBuffer): Promise<RemoteVcpu> {
    const vcpu = new RemoteVcpu(handle, guest);
    await vcpu.attach({ name });
    return vcpu;
  }

  /** @returns the reader's identity */
  attach(options: AttachOptions): Promise<unknown> {
    return this.order({ do: 'attach', options });
  }

  call(method: Method, ...args: number[]): Promise<unknown> {
    return this.order({ do: 'call', method, args });
  }

  order(order: Order): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.pending.push({ resolve, reject });
      this.worker.postMessage(order);
    });
  }

  /** Resolves when the thread is in the loop. */
  async begin(loop: LoopName): Promise<void> {
    for (const word of [Control.Begun, Control.Stop, Control.Told, Control.Rounds]) this.control.store(word, 0);
    let failed = false;
    this.looping = this.order({ do: 'loop', loop });
    this.looping.catch(() => {
      failed = true;
    });
    await until(() => failed || this.control.load(Control.Begun) === 1);
    if (failed) await this.looping;
  }

  tell(number: number): void {
    this.control.store(Control.Told, number + 1);
  }

  get rounds(): number {
    return this.control.load(Control.Rounds);
  }

  /** What the loop returns when it ends by itself. */
  async end(): Promise<unknown> {
    return this.looping;
  }

  /** @returns what the loop returns */
  async stop(): Promise<unknown> {
    this.control.store(Control.Stop, 1);
    return this.looping;
  }

  /** Without an answer, because it ends the thread. @returns the exit code */
  leave(how: 'return' | 'exit' | 'throw'): Promise<number> {
    this.order({ do: how }).catch(() => {});
    return this.exited;
  }
}
