/**
 * The thread of a hart. It runs slices of instructions until the host tells it to stand still, and is offline whenever it
 * sleeps. Where to look for what the host has said: after each quiescent state, which the code does itself, and after
 * each return from offline.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { attachVcpu, type Vcpu } from 'dirtymem/vcpu';
import * as layout from './hart/layout.js';
import { type HartCode, type HartMessage, type HartWork, orderIn, SLEEPS, WAITS_FOR_INTERRUPT } from './hart-work.js';

const { memory, handle, hart, module, slice } = workerData as HartWork;
const words = new Int32Array(memory.buffer);
const vcpu = handle && attachVcpu(handle, { name: `hart${hart}` });
if (handle) checkLayout(new Int32Array(handle.memory.buffer, handle.byteOffset, 64));

const area = layout.HARTS + hart * layout.HART_BYTES;
const wordAt = (at: number): number => at / Int32Array.BYTES_PER_ELEMENT;
const WAKE = wordAt(area + layout.WAKE);
const STANDING = wordAt(area + layout.STANDING);
const HSM = wordAt(area + layout.HSM);
const RUN = wordAt(layout.CONTROL + layout.CONTROL_RUN);
const DOWN = wordAt(layout.CONTROL + layout.CONTROL_DOWN);
const TICKS_PER_MS = layout.TICKS_PER_SECOND / 1000;
const NANOSECONDS_PER_TICK = BigInt(1e9 / layout.TICKS_PER_SECOND);
const LONGEST_LINE = 256;

let printed: number[] = [];

const code = instantiate(vcpu);
code.begin(hart);
// Every end of an interval, wherever it happens: what marks stood for is dropped.
vcpu?.onInterval(() => code.beginInterval());
if (vcpu && handle) code.setMeter(handle.byteOffset + vcpu.meter * Int32Array.BYTES_PER_ELEMENT);
tell({ kind: 'begins' });
while (live());
vcpu?.detach();

/** One slice, or one sleep. @returns false when the thread is to end */
function live(): boolean {
  // Loaded before anything that may be a reason to sleep. Whoever removes the reason changes it afterwards.
  const awake = Atomics.load(words, WAKE);
  const order = Atomics.load(words, RUN);
  if (orderIn(order) === layout.RUN_QUIT) return false;
  if (orderIn(order) === layout.RUN_STAND) {
    sleep(order, RUN, order);
    code.begin(hart); // the host may have loaded another state
    return true;
  }
  if (Atomics.load(words, DOWN) !== 0) {
    sleep(SLEEPS, RUN, order);
    return true;
  }
  const state = Atomics.load(words, HSM);
  if (state === layout.HSM_STOPPED) {
    sleep(SLEEPS, WAKE, awake);
    return true;
  }
  if (state === layout.HSM_START_PENDING) code.startHart();
  if (code.run(slice) === WAITS_FOR_INTERRUPT) waitForInterrupt(awake);
  if (Atomics.load(words, DOWN) !== 0) {
    flush();
    tell({ kind: 'down' });
  }
  return true;
}

function waitForInterrupt(awake: number): void {
  const ticks = code.idleTicks();
  if (ticks > 0) sleep(SLEEPS, WAKE, awake, ticks / TICKS_PER_MS);
}

/** Offline, until the word differs from `expected` or the time is up. STANDING is `how` only while the hart is offline. */
function sleep(how: number, word: number, expected: number, ms = Number.POSITIVE_INFINITY): void {
  flush();
  vcpu?.goOffline();
  Atomics.store(words, STANDING, how);
  Atomics.notify(words, STANDING);
  Atomics.wait(words, word, expected, ms);
  Atomics.store(words, STANDING, 0);
  vcpu?.goOnline();
}

function instantiate(vcpu: Vcpu | undefined): HartCode {
  const { exports } = new WebAssembly.Instance(module, {
    env: { memory },
    dirtymem: {
      // An address that is no RAM throws, through the frames of the code.
      mark: (page: number) => void vcpu?.mark((page >>> 0) * layout.PAGE_BYTES),
      quiescent: () => void vcpu?.quiescent(),
    },
    host: {
      ticks: () => process.hrtime.bigint() / NANOSECONDS_PER_TICK,
      wake: (at: number) => void Atomics.notify(words, wordAt(at)),
      print,
    },
  });
  return exports as unknown as HartCode;
}

function print(byte: number): void {
  printed.push(byte);
  if (byte === 10 || printed.length === LONGEST_LINE) flush();
}

function flush(): void {
  if (printed.length === 0) return;
  tell({ kind: 'prints', bytes: Uint8Array.from(printed) });
  printed = [];
}

function tell(message: HartMessage): void {
  parentPort?.postMessage(message);
}

/** @throws Error unless the code was made for this engine */
function checkLayout(header: Int32Array): void {
  const expected = [layout.ABI_VERSION, layout.PAGE_SHIFT, layout.BLOCK_SHIFT, layout.MAX_READERS];
  const found = [header[1], header[4], header[5], header[6]];
  if (handle?.byteOffset !== layout.ARENA || found.some((word, i) => word !== expected[i])) {
    throw new Error(`the code of the harts is for ${expected.join(', ')}, and the engine is ${found.join(', ')}`);
  }
}
