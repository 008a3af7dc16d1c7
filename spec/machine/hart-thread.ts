/**
 * The thread of a hart. It runs slices of instructions until the host tells it to stand still, and is offline whenever it
 * sleeps. Where to look for what the host has said: after each quiescent state, which the code does itself, and after
 * each return from offline.
 */
import type { Vcpu } from 'dirtymem/vcpu';
import * as layout from './hart/layout.js';
import { type HartCode, type HartWork, orderIn, PAUSED, SLEEPS, WAITS_FOR_INTERRUPT } from './hart-work.js';
import type { HartHost } from './host.js';

const wordAt = (at: number): number => at / Int32Array.BYTES_PER_ELEMENT;
const RUN = wordAt(layout.CONTROL + layout.CONTROL_RUN);
const DOWN = wordAt(layout.CONTROL + layout.CONTROL_DOWN);
const TICKS_PER_MS = layout.TICKS_PER_SECOND / 1000;
const LONGEST_LINE = 256;

/** Runs a hart until the host wants its thread to end. */
export function runHart(work: HartWork, host: HartHost): void {
  const thread = new HartLife(work, host);
  host.tell({ kind: 'begins' });
  while (thread.live());
  thread.end();
}

class HartLife {
  private readonly work: HartWork;
  private readonly host: HartHost;
  private readonly words: Int32Array;
  private readonly vcpu: Vcpu | undefined;
  private readonly code: HartCode;
  private readonly wake: number;
  private readonly standing: number;
  private readonly hsm: number;
  private readonly pace: number;
  private printed: number[] = [];

  constructor(work: HartWork, host: HartHost) {
    this.work = work;
    this.host = host;
    const { memory, handle, hart } = work;
    this.words = new Int32Array(memory.buffer);
    this.vcpu = handle && host.attach(handle, { name: `hart${hart}` });
    if (handle) checkLayout(handle.byteOffset, new Int32Array(handle.memory.buffer, handle.byteOffset, 64));
    const area = layout.HARTS + hart * layout.HART_BYTES;
    this.wake = wordAt(area + layout.WAKE);
    this.standing = wordAt(area + layout.STANDING);
    this.hsm = wordAt(area + layout.HSM);
    this.pace = wordAt(area + layout.PACE);
    this.code = this.instantiate();
    this.code.begin(hart);
    // Every end of an interval, wherever it happens: what marks stood for is dropped.
    this.vcpu?.onInterval(() => this.code.beginInterval());
    if (this.vcpu && handle) {
      this.code.setMeter(handle.byteOffset + this.vcpu.meter * Int32Array.BYTES_PER_ELEMENT);
    }
  }

  /** One slice, or one sleep. @returns false when the thread is to end */
  live(): boolean {
    const { words, code } = this;
    // Loaded before anything that may be a reason to sleep. Whoever removes the reason changes it afterwards.
    const awake = Atomics.load(words, this.wake);
    const order = Atomics.load(words, RUN);
    if (orderIn(order) === layout.RUN_QUIT) return false;
    if (orderIn(order) === layout.RUN_STAND) {
      this.sleep(order, RUN, order);
      code.begin(this.work.hart); // the host may have loaded another state
      return true;
    }
    if (Atomics.load(words, DOWN) !== 0) {
      this.sleep(SLEEPS, RUN, order);
      return true;
    }
    const state = Atomics.load(words, this.hsm);
    const pace = Atomics.load(words, this.pace);
    if (state === layout.HSM_STOPPED || pace === PAUSED) {
      this.sleep(SLEEPS, this.wake, awake);
      return true;
    }
    if (state === layout.HSM_START_PENDING) code.startHart();
    if (code.run(this.work.slice) === WAITS_FOR_INTERRUPT) this.waitForInterrupt(awake);
    else if (pace > 0) this.sleep(SLEEPS, this.wake, awake, pace / 1000);
    if (Atomics.load(words, DOWN) !== 0) {
      this.flush();
      this.host.tell({ kind: 'down' });
    }
    return true;
  }

  end(): void {
    this.vcpu?.detach();
  }

  private waitForInterrupt(awake: number): void {
    const ticks = this.code.idleTicks();
    if (ticks > 0) this.sleep(SLEEPS, this.wake, awake, ticks / TICKS_PER_MS);
  }

  /** Offline, until the word differs from `expected` or the time is up. STANDING is `how` only while the hart is offline. */
  private sleep(how: number, word: number, expected: number, ms = Number.POSITIVE_INFINITY): void {
    const { words, standing, vcpu } = this;
    this.flush();
    vcpu?.goOffline();
    Atomics.store(words, standing, how);
    Atomics.notify(words, standing);
    Atomics.wait(words, word, expected, ms);
    Atomics.store(words, standing, 0);
    vcpu?.goOnline();
  }

  private instantiate(): HartCode {
    const { vcpu, words } = this;
    const { exports } = new WebAssembly.Instance(this.work.module, {
      env: { memory: this.work.memory },
      dirtymem: {
        // An address that is no RAM throws, through the frames of the code.
        mark: (page: number) => void vcpu?.mark((page >>> 0) * layout.PAGE_BYTES),
        quiescent: () => void vcpu?.quiescent(),
      },
      host: {
        ticks: () => this.host.ticks(),
        wake: (at: number) => void Atomics.notify(words, wordAt(at)),
        print: (byte: number) => this.print(byte),
      },
    });
    return exports as unknown as HartCode;
  }

  private print(byte: number): void {
    this.printed.push(byte);
    if (byte === 10 || this.printed.length === LONGEST_LINE) this.flush();
  }

  private flush(): void {
    if (this.printed.length === 0) return;
    this.host.tell({ kind: 'prints', bytes: Uint8Array.from(this.printed) });
    this.printed = [];
  }
}

/** @throws Error unless the code was made for this engine */
function checkLayout(byteOffset: number, header: Int32Array): void {
  const expected = [layout.ABI_VERSION, layout.PAGE_SHIFT, layout.BLOCK_SHIFT, layout.MAX_READERS];
  const found = [header[1], header[4], header[5], header[6]];
  if (byteOffset !== layout.ARENA || found.some((word, i) => word !== expected[i])) {
    throw new Error(`the code of the harts is for ${expected.join(', ')}, and the engine is ${found.join(', ')}`);
  }
}
