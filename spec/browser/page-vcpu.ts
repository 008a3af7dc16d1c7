/** A vCPU in a module worker of a page, as the page sees it. */
import type { ArenaHandle } from '../../lib/arena/arena.js';
import type { AttachOptions } from '../../lib/vcpu.js';
import { CommandedVcpu } from '../support/commanded-vcpu.js';
import type { Order, Reply } from '../support/vcpu-orders.js';
import type { PageVcpuWork } from './vcpu-worker.js';

export class PageVcpu extends CommandedVcpu {
  /** What its reader is retired by. */
  identity = -1;
  private readonly worker: Worker;
  private readonly lock = crypto.randomUUID();

  private constructor(handle: ArenaHandle, guest: SharedArrayBuffer | undefined) {
    super(handle, guest);
    this.worker = new Worker(new URL('./vcpu-worker.js', import.meta.url), { type: 'module' });
  }

  /** @returns a thread that has attached */
  static async attached(handle: ArenaHandle, options: AttachOptions, guest?: SharedArrayBuffer): Promise<PageVcpu> {
    const vcpu = new PageVcpu(handle, guest);
    await vcpu.ready();
    vcpu.identity = (await vcpu.attach(options)) as number;
    return vcpu;
  }

  /** Resolves when the thread has ended, which may be after the call of `terminate`. */
  async terminate(): Promise<void> {
    const released = navigator.locks.request(this.lock, () => {});
    this.worker.terminate();
    await released;
    this.ended(new Error('the thread was terminated'));
  }

  protected override send(order: Order): void {
    this.worker.postMessage(order);
  }

  private async ready(): Promise<void> {
    const message: PageVcpuWork = { work: this.work, lock: this.lock };
    await new Promise((resolve, reject) => {
      this.worker.onmessage = resolve;
      this.worker.onerror = ({ message: why }) => reject(new Error(why));
      this.worker.postMessage(message);
    });
    this.worker.onmessage = ({ data }: MessageEvent<Reply>) => this.replied(data);
    this.worker.onerror = ({ message: why }) => this.ended(new Error(why));
  }
}
