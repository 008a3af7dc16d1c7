/** A vCPU's part of an engine's scenarios. */
import { Arena, type ArenaHandle } from '../../../lib/arena/arena.js';
import { Header, VERSION } from '../../../lib/arena/layout.js';
import { UsageError } from '../../../lib/base/errors.js';
import { chooseKernel } from '../../../lib/bitmap/choose-kernel.js';
import { MIGRATION } from '../../../lib/dirty/client.js';
import type { Vcpu } from '../../../lib/dirty/vcpu.js';
import { Throttle } from '../../../lib/rate/throttle.js';
import { KeptMarks, type WayOfLearning } from '../../../lib/stress/kept-marks.js';
import { SABOTAGES } from '../../../lib/stress/sabotage/catalogue.js';
import { attachVcpu } from '../../../lib/vcpu.js';
import type { Stage } from '../checker/scenario.js';
import { PAGE } from './owner-side.js';

/** The handle of the engine that lives in the memory, as a message would bring it. */
export function handleOf(memory: WebAssembly.Memory): ArenaHandle {
  const engine = new Int32Array(memory.buffer)[Header.EngineId] as number;
  return { dirtymem: VERSION, engine, memory, byteOffset: 0 };
}

export class ReaderSide {
  readonly stage: Stage;
  private readonly thread: number;
  private readonly giveWay: boolean;
  private attached: Vcpu | undefined;

  constructor(stage: Stage, thread: number, giveWay = false) {
    this.stage = stage;
    this.thread = thread;
    this.giveWay = giveWay;
  }

  get vcpu(): Vcpu {
    if (this.attached === undefined) throw new Error('the reader is not attached');
    return this.attached;
  }

  attach(): void {
    const handle = handleOf(this.stage.memory);
    const { giveWay } = this;
    const name = `vcpu${this.thread}`;
    const broken = SABOTAGES[this.stage.sabotage ?? '']?.vcpu;
    if (broken === undefined) {
      this.attached = attachVcpu(handle, { name, identity: this.thread, giveWay });
      return;
    }
    const arena = Arena.attach('scenario', handle);
    const kernel = chooseKernel(arena);
    this.attached = broken({ arena, kernel, name, identity: this.thread, giveWay, governorOf: Throttle.of });
  }

  /** A second reader of this thread, attached. */
  another(): ReaderSide {
    const other = new ReaderSide(this.stage, this.thread, this.giveWay);
    other.attach();
    return other;
  }

  detach(): void {
    this.attached?.detach();
  }

  /** The outcome of this thread: of marks, the last one's, whether the page turned dirty. */
  note(value: number): void {
    this.stage.note(this.thread, value);
  }

  /** Stores first: what the store buffer may hold back until after the mark's test. */
  storeAndMark(page: number, value: number): void {
    this.stage.guest.set(page, value);
    this.note(this.vcpu.markPage(page, MIGRATION));
  }

  /** The same for all clients that are tracked. */
  storeAndMarkAll(page: number, value: number): void {
    this.stage.guest.set(page, value);
    this.note(this.vcpu.mark(page * PAGE) & MIGRATION);
  }

  /** Marks first: what a thread does that may be killed. */
  markAndStore(page: number, value: number): void {
    this.markWithoutStore(page);
    this.stage.guest.set(page, value);
  }

  markWithoutStore(page: number): void {
    this.note(this.vcpu.markPage(page, MIGRATION));
  }

  /** To be called when the reader is attached. */
  keepMarks(way: WayOfLearning): KeptMarks {
    return new KeptMarks(this.vcpu, way);
  }

  /** Marks and stores; or only stores, where the page was marked before in the interval. */
  keptStore(kept: KeptMarks, page: number, value: number): void {
    if (!kept.has(page)) {
      this.note(this.vcpu.mark(page * PAGE) & MIGRATION);
      kept.add(page);
    }
    this.stage.guest.set(page, value);
  }

  /** Is the page refused, because there is no RAM? */
  refuses(page: number): boolean {
    return this.isNoRam(() => this.vcpu.markPage(page, MIGRATION));
  }

  /** The same by a mark for all clients. */
  refusesAll(page: number): boolean {
    return this.isNoRam(() => this.vcpu.mark(page * PAGE));
  }

  private isNoRam(mark: () => void): boolean {
    try {
      mark();
      return false;
    } catch (error) {
      if (error instanceof RangeError && error.message.includes('are not all RAM')) return true;
      throw error;
    }
  }

  /** @returns whether the engine would not let it */
  isRefused(use: () => void): boolean {
    try {
      use();
      return false;
    } catch (error) {
      if (error instanceof UsageError) return true;
      throw error;
    }
  }
}
