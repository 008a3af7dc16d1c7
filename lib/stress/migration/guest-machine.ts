/** A machine on one of the hosts: an engine, RAM in several DIMMs, and vCPUs, each on its own thread. */
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { DirtyMemory, MIGRATION, type RamBlock } from '../../index.js';
import type { SourceMachine } from '../../migration/index.js';
import { guestFault } from './guest-check.js';
import { Command, GuestControl, type MachineState } from './guest-control.js';
import { devicePage, firstStamp, writePage } from './guest-program.js';
import type { VcpuWork } from './guest-vcpu.js';
import { DIMMS, FIRST_DIMMS, type GuestPlan, PAGE } from './plan.js';

const VCPU = new URL('../../../workers/migration-vcpu.js', import.meta.url);

/** Callbacks for what a machine does, called in the same synchronous step. */
export interface MachineWatch {
  /** The vCPUs run after this returns; throws when they must not run. */
  runs(steps: readonly number[]): void;
  /** The vCPUs stand still. */
  stands(): void;
  /** A vCPU's thread has ended, which it should not. */
  broke(error: unknown): void;
}

/** For each DIMM, a digest of its contents. */
export type Digests = Readonly<Record<string, string>>;

export class GuestMachine implements SourceMachine {
  readonly memory: DirtyMemory;
  readonly plan: GuestPlan;
  running = false;
  private readonly control: GuestControl;
  private readonly ram: SharedArrayBuffer;
  private readonly workers: readonly Worker[];
  private readonly watch: MachineWatch;
  private readonly attached: Promise<unknown>;
  /** The last operation on DIMMs, vCPUs or the whole machine; operations run one at a time. */
  private working: Promise<unknown> = Promise.resolve();

  /** The machine has no RAM yet, and is paused. */
  constructor(plan: GuestPlan, watch: MachineWatch) {
    this.plan = plan;
    this.watch = watch;
    const ramBytes = DIMMS * plan.dimmPages * PAGE;
    this.memory = DirtyMemory.create({
      ...{ pageSize: PAGE, pagesPerBlock: 1024, maxRamBytes: Math.max(2 ** 22, 2 * ramBytes), tracked: 0 },
      ...{ maxReaders: plan.vcpus + 1 },
    });
    this.ram = new SharedArrayBuffer(ramBytes);
    this.control = new GuestControl(plan.vcpus);
    this.control.command = Command.Stand;
    this.workers = [...Array(plan.vcpus).keys()].map((vcpu) => this.startThread(vcpu));
    this.attached = Promise.all(
      this.workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
    );
  }

  /** Resolves when every vCPU's thread has started and stands still. */
  async ready(): Promise<void> {
    await this.attached;
    await until(() => this.control.standing === this.plan.vcpus);
  }

  /** Plugs the first DIMMs, and fills them with the contents that the guest begins with. */
  boot(): void {
    const words = new Int32Array(this.ram);
    for (let dimm = 0; dimm < FIRST_DIMMS; dimm++) this.plug(dimm);
    for (let page = 0; page < FIRST_DIMMS * this.plan.dimmPages; page++) {
      writePage(words, (page * PAGE) / 4, page, firstStamp(this.plan, page));
    }
    words[(devicePage(this.plan) * PAGE) / 4] = 0;
  }

  contents({ offset, size }: { readonly offset: number; readonly size: number }): Uint8Array {
    return new Uint8Array(this.ram, offset, size);
  }

  async pause(): Promise<void> {
    this.control.command = Command.Stand;
    await until(() => this.control.standing === this.plan.vcpus);
    this.running = false;
    this.watch.stands();
  }

  async resume(): Promise<void> {
    this.watch.runs(this.steps);
    this.running = true;
    this.control.command = Command.Run;
    await until(() => this.control.standing === 0);
  }

  throttle(share: number | undefined): void {
    this.control.throttle = Math.round((share ?? 0) * 1000);
  }

  /** Saves the machine's state. A device stores into RAM meanwhile, as some devices do. */
  saveState(): Uint8Array {
    const page = devicePage(this.plan);
    new Int32Array(this.ram)[(page * PAGE) / 4] = this.control.countSave();
    this.memory.setDirty(page * PAGE, MIGRATION);
    return new TextEncoder().encode(JSON.stringify(this.control.state));
  }

  loadState(bytes: Uint8Array): void {
    this.control.state = JSON.parse(new TextDecoder().decode(bytes)) as MachineState;
  }

  /** For each vCPU, how many steps of the guest's program it has done. */
  get steps(): readonly number[] {
    return this.control.state.vcpus.map(({ steps }) => steps);
  }

  /** Plugs an empty DIMM, when the migration says that one comes. @returns its bytes */
  receiveDimm(id: string, offset: number, size: number): Uint8Array {
    const bytes = this.contents({ offset, size });
    bytes.fill(0);
    this.memory.ram.plug({ id, size, offset });
    return bytes;
  }

  async dropDimm(id: string): Promise<void> {
    await this.memory.ram.unplug(this.block(id));
  }

  /** Plugs the DIMM, or unplugs it. @returns whether the DIMM is plugged now */
  async toggle(dimm: number): Promise<boolean> {
    return this.inTurn(async () => {
      const id = `dimm${dimm}`;
      if (this.memory.ram.get(id) === undefined) {
        this.plug(dimm);
        return true;
      }
      if (this.control.generation(dimm) % 2 === 1) this.control.turn(dimm);
      await this.memory.rcu.synchronize(); // then no vCPU stores to the DIMM any more
      await this.memory.ram.unplug(this.block(id));
      return false;
    });
  }

  /** Resolves when all operations on DIMMs that have begun are done. */
  async settle(): Promise<void> {
    await this.inTurn(async () => {});
  }

  /** Waits until every vCPU has done a step, then checks all RAM. @returns what is wrong, if anything is */
  async check(): Promise<string | undefined> {
    return this.inTurn(async () => {
      const before = this.steps;
      await until(() => this.steps.every((steps, vcpu) => steps > (before[vcpu] as number)));
      await this.pause();
      const fault = guestFault(this.plan, this.control, new Int32Array(this.ram));
      await this.resume();
      return fault;
    });
  }

  digests(): Digests {
    return Object.fromEntries(
      [...this.memory.ram].map((block) => [block.id, createHash('sha1').update(this.contents(block)).digest('hex')]),
    );
  }

  /** Ends the machine's threads and closes its engine. */
  async close(): Promise<void> {
    await this.inTurn(async () => {
      // The engine's own listener stays: it retires a vCPU that is killed while it runs; without it, `close` would wait
      // forever.
      for (const worker of this.workers) worker.off('exit', this.threadEnded);
      await Promise.all(this.workers.map((worker) => worker.terminate()));
      if (this.running) this.watch.stands();
      this.running = false;
      await this.memory.close();
    });
  }

  private plug(dimm: number): void {
    const size = this.plan.dimmPages * PAGE;
    this.receiveDimm(`dimm${dimm}`, dimm * size, size);
    this.control.turn(dimm);
  }

  private block(id: string): RamBlock {
    const block = this.memory.ram.get(id);
    if (block === undefined) throw new Error(`no RAM block '${id}'`);
    return block;
  }

  private startThread(vcpu: number): Worker {
    const { plan, control, ram } = this;
    const workerData: VcpuWork = { handle: this.memory.handle, plan, control: control.buffer, ram, vcpu };
    const worker = new Worker(VCPU, { workerData });
    this.memory.supervise(worker);
    worker.on('error', (error) => this.watch.broke(error));
    worker.on('exit', this.threadEnded);
    return worker;
  }

  private readonly threadEnded = (): void => this.watch.broke(new Error('the thread of a vCPU ended'));

  private inTurn<T>(body: () => Promise<T>): Promise<T> {
    const result = this.working.then(body);
    this.working = result.catch(() => {});
    return result;
  }
}

/** Waits, turn by turn of the event loop, until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
