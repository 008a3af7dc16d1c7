/** A machine whose vCPU is a thread of generated code, which stores through a write-TLB into the memory of the arena. */
import { Worker } from 'node:worker_threads';
import { Words } from '../../lib/arena/words.js';
import type { RamBlock } from '../../lib/index.js';
import { SendingMachine } from '../support/migration/machines.js';
import { until } from '../support/promises.js';
import { type GeneratedMachineWork, Pause } from './generated-machine-worker.js';
import { engineBesideGuest, writeTlbOf } from './generated-session.js';

export class GeneratedMachine extends SendingMachine {
  private readonly control = new SharedArrayBuffer(Pause.size * 4);
  private readonly words = new Words(this.control, 0, Pause.size);
  private worker: Worker | undefined;

  constructor() {
    super(engineBesideGuest());
    // The engine's own limits, and no hook of the machine, have to slow the vCPU down.
    Object.defineProperty(this, 'throttle', { value: undefined });
  }

  override contents(block: RamBlock): Uint8Array {
    return new Uint8Array(this.memory.handle.memory.buffer, block.offset, block.size);
  }

  /** @param module of store-through-tlb.ts; it stores to pages 0 to `pages` */
  async start(module: WebAssembly.Module, pages: number): Promise<void> {
    const { control, memory } = this;
    const workerData: GeneratedMachineWork = { handle: memory.handle, module, control, pages, writeTlb: writeTlbOf(0) };
    const worker = new Worker(new URL('./generated-machine-worker.js', import.meta.url), { workerData });
    this.worker = worker;
    memory.supervise(worker);
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  }

  async stop(): Promise<void> {
    await this.worker?.terminate();
    await this.memory.close();
  }

  override async pause(): Promise<void> {
    await this.tell(1);
    super.pause();
  }

  override async resume(): Promise<void> {
    super.resume();
    await this.tell(0);
  }

  private async tell(standing: 0 | 1): Promise<void> {
    this.words.store(Pause.Asked, standing);
    this.words.notify(Pause.Asked);
    await until(() => this.words.load(Pause.Standing) === standing);
  }
}
