/** A machine whose vCPUs are threads. */
import { Worker } from 'node:worker_threads';
import { Words } from '../../../lib/arena/words.js';
import { until } from '../promises.js';
import { SendingMachine } from './machines.js';
import { Pause, type StoringWork } from './storing-vcpu.js';

export class VcpuMachine extends SendingMachine {
  private readonly threads: { readonly worker: Worker; readonly words: Words }[] = [];

  /** A thread that stores to the first `pages` of a block. */
  async startVcpu(id: string, pages: number): Promise<void> {
    const block = this.memory.ram.get(id);
    if (block === undefined) throw new Error(`no block: ${id}`);
    const control = new SharedArrayBuffer(Pause.size * 4);
    const guest = this.contents(block).buffer as SharedArrayBuffer;
    const { handle, pageSize } = this.memory;
    const workerData: StoringWork = { handle, control, guest, offset: block.offset, pageSize, pages };
    const worker = new Worker(new URL('./storing-vcpu.js', import.meta.url), { workerData });
    this.memory.supervise(worker);
    this.threads.push({ worker, words: new Words(control, 0, Pause.size) });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  }

  async stop(): Promise<void> {
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
  }

  override async pause(): Promise<void> {
    await this.tell(1);
    super.pause();
  }

  override async resume(): Promise<void> {
    super.resume();
    await this.tell(0);
  }

  override throttle(share: number | undefined): void {
    super.throttle(share);
    for (const { words } of this.threads) words.store(Pause.Sleep, Math.round((share ?? 0) * 1000));
  }

  private async tell(standing: 0 | 1): Promise<void> {
    for (const { words } of this.threads) {
      words.store(Pause.Asked, standing);
      words.notify(Pause.Asked);
    }
    await until(() => this.threads.every(({ words }) => words.load(Pause.Standing) === standing));
  }
}
