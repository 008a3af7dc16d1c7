/**
 * An interpreter's stores: the same addresses by one way to mark, and by plain stores to a typed array, in turn. A slice
 * of stores ends with a quiescent state in both. Each way has a thread of its own, whose code no other way has shaped.
 */
import { GuestRam } from '../../lib/guest/index.js';
import { type ArenaHandle, attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { threadData, workUntilStopped } from '../harness/threads.js';
import { interpreterThatStores, programOfInterpreter, STORES_OF_A_CALL } from '../subjects/interpreter.js';
import { BATCH, PATTERNS, Totals, type Way } from '../subjects/store-patterns.js';

export interface StoringGuest {
  readonly handle: ArenaHandle;
  readonly guest: SharedArrayBuffer;
  readonly way: Way;
  /** One word: which of `PATTERNS` is to be stored. */
  readonly pattern: Int32Array;
  readonly totals: Float64Array;
}

/** The stores between two quiescent states. */
const SLICE = STORES_OF_A_CALL;

/** Remembers in 64 entries which pages were marked in the interval, and is dropped when `quiescent` says so. */
class WriteTlb {
  private readonly vcpu: Vcpu;
  private readonly words: Int32Array;
  private readonly entries = new Int32Array(64).fill(-1);

  constructor(vcpu: Vcpu, words: Int32Array) {
    this.vcpu = vcpu;
    this.words = words;
  }

  drop(): void {
    this.entries.fill(-1);
  }

  store32(addr: number, value: number): void {
    const page = addr >>> 12;
    if (this.entries[page & 63] !== page) this.fill(addr, page);
    this.words[addr >>> 2] = value;
  }

  private fill(addr: number, page: number): void {
    this.vcpu.mark(addr);
    this.entries[page & 63] = page;
  }
}

const { handle, guest, way, pattern, totals: array } = threadData<StoringGuest>();
const vcpu = attachVcpu(handle, { name: way });
const words = new Int32Array(guest);
const ram = new GuestRam(vcpu, guest);
const tlb = new WriteTlb(vcpu, words);
const totals = new Totals(array);
const addresses = PATTERNS.map(({ addresses }) => addresses?.());

function plainSlice(words: Int32Array, addresses: Int32Array, from: number, end: number): void {
  for (let i = from; i < end; i++) words[(addresses[i] as number) >>> 2] = i;
}

function markSlice(words: Int32Array, addresses: Int32Array, from: number, end: number): void {
  for (let i = from; i < end; i++) {
    const addr = addresses[i] as number;
    vcpu.mark(addr);
    words[addr >>> 2] = i;
  }
}

function tlbSlice(tlb: WriteTlb, addresses: Int32Array, from: number, end: number): void {
  for (let i = from; i < end; i++) tlb.store32(addresses[i] as number, i);
}

function ramSlice(ram: GuestRam, addresses: Int32Array, from: number, end: number): void {
  for (let i = from; i < end; i++) ram.store32(addresses[i] as number, i);
}

const SLICES: Record<Way, (addresses: Int32Array, from: number) => void> = {
  'mark each': (addresses, from) => markSlice(words, addresses, from, from + SLICE),
  'write-TLB': (addresses, from) => tlbSlice(tlb, addresses, from, from + SLICE),
  GuestRam: (addresses, from) => ramSlice(ram, addresses, from, from + SLICE),
};
const markedSlice = SLICES[way];

const INTERPRETERS = {
  'mark each': { target: vcpu, store: 'target.mark(at); words[at >>> 2] = value' },
  'write-TLB': { target: tlb, store: 'target.store32(at, value)' },
  GuestRam: { target: ram, store: 'target.store32(at, value)' },
} satisfies Record<Way, { target: object; store: string }>;
const { target, store } = INTERPRETERS[way];
const program = programOfInterpreter();
const registers = new Int32Array(8).fill(1);
const interpretMarked = interpreterThatStores<object>(store);
const interpretPlain = interpreterThatStores<object>('words[at >>> 2] = value');

/** @param slice makes the stores of a slice, beginning with a number. @returns milliseconds */
function timeOfBatch(slice: (from: number) => void, from: number): number {
  const began = performance.now();
  for (let at = from; at < from + BATCH; at += SLICE) {
    slice(at);
    if (vcpu.quiescent()) tlb.drop();
  }
  return performance.now() - began;
}

let from = 0;

workUntilStopped(() => {
  const chosen = addresses[Atomics.load(pattern, 0)];
  if (chosen === undefined) {
    const marked = timeOfBatch(() => interpretMarked(program, registers, words, target), 0);
    totals.add(
      marked,
      timeOfBatch(() => interpretPlain(program, registers, words, target), 0),
    );
    return;
  }
  const marked = timeOfBatch((at) => markedSlice(chosen, at), from);
  // Other addresses of the pattern, since those above are in the cache now.
  const other = (from + chosen.length / 2) % chosen.length;
  totals.add(
    marked,
    timeOfBatch((at) => plainSlice(words, chosen, at, at + SLICE), other),
  );
  from = (from + BATCH) % chosen.length;
});
vcpu.detach();
