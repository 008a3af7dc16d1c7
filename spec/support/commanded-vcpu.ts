/** A vCPU on a thread of its own, as seen from the thread that gives it orders, in Node or in a page. */
import type { ArenaHandle } from '../../lib/arena/arena.js';
import { Words } from '../../lib/arena/words.js';
import type { AttachOptions } from '../../lib/vcpu.js';
import { until } from './promises.js';
import { Control, type LoopName, type Method, type Order, type Reply, type VcpuWork } from './vcpu-orders.js';

export abstract class CommandedVcpu {
  readonly control: Words;
  protected readonly work: VcpuWork;
  private readonly pending: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
  private looping: Promise<unknown> | undefined;

  constructor(handle: ArenaHandle, guest = new SharedArrayBuffer(0)) {
    const control = new SharedArrayBuffer(Control.size * 4);
    this.control = new Words(control, 0, Control.size);
    this.work = { handle, control, guest };
  }

  protected abstract send(order: Order): void;

  protected replied(reply: Reply): void {
    const order = this.pending.shift();
    if ('error' in reply) order?.reject(reply.error);
    else order?.resolve(reply.value);
  }

  protected ended(error: unknown): void {
    for (const { reject } of this.pending.splice(0)) reject(error);
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
      this.send(order);
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
}
