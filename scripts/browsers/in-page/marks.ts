/**
 * What marks cost in a page, beside the least that any dirty bitmap does: bare loops over one flat bitmap, over the same
 * pages in the same order. It runs on the page's main thread.
 */
import { type Client, DirtyMemory } from '../../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../../lib/vcpu.js';

const PAGE = 4096;
const PAGES = 2 ** 16;
/** Each page once, in an order that no prefetching foresees. */
const ORDER = Int32Array.from({ length: PAGES }, (_, i) => (i * 40503) % PAGES);
const ADDRESSES = Float64Array.from(ORDER, (page) => page * PAGE);
const WARM_UP_ROUNDS = 40;
const ROUNDS = 31;

interface Subject {
  /** Not timed. */
  readonly prepare?: () => void;
  /** An operation for each page. */
  readonly run: () => void;
}

/** @returns a loop that is compiled by itself: what it has met shapes its code, and that of no other */
function markLoop(): (vcpu: Vcpu) => void {
  const loop = new Function('vcpu', 'addresses', 'for (let i = 0; i < addresses.length; i++) vcpu.mark(addresses[i]);');
  return (vcpu) => loop(vcpu, ADDRESSES);
}

function testAll(bitmap: Int32Array): void {
  for (let i = 0; i < ORDER.length; i++) {
    const page = ORDER[i] as number;
    const bit = 1 << page;
    if (((bitmap[page >>> 5] as number) & bit) === 0) Atomics.or(bitmap, page >>> 5, bit);
  }
}

function loadAll(bitmap: Int32Array): void {
  for (let i = 0; i < ORDER.length; i++) {
    const page = ORDER[i] as number;
    const bit = 1 << page;
    if ((Atomics.load(bitmap, page >>> 5) & bit) === 0) Atomics.or(bitmap, page >>> 5, bit);
  }
}

function setAll(bitmap: Int32Array): void {
  for (let i = 0; i < ORDER.length; i++) {
    const page = ORDER[i] as number;
    Atomics.or(bitmap, page >>> 5, 1 << page);
  }
}

/** @returns nanoseconds for each operation, the median of interleaved rounds */
export async function measureMarks(engines: number, clients: readonly Client[]): Promise<Record<string, number>> {
  const tracked = clients.reduce<number>((mask, client) => mask | client, 0);
  const bitmap = new Int32Array(new SharedArrayBuffer(PAGES / 8)).fill(-1);
  const subjects: [name: string, subject: Subject][] = [
    ['plain test', { run: () => testAll(bitmap) }],
    ['Atomics.load and test', { run: () => loadAll(bitmap) }],
    ['Atomics.or', { run: () => setAll(bitmap) }],
  ];
  const markDirty = markLoop();
  const markAny = markLoop();
  for (let n = 0; n < engines; n++) {
    const memory = DirtyMemory.create({ tracked });
    memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
    const vcpu = attachVcpu(memory.handle);
    const clean = (): void => {
      for (const client of clients) memory.whileStopped.harvest(client).set.dispose();
    };
    // Collecting ends the interval, so the tables are looked up again before what is timed.
    const enter = (): void => void vcpu.mark(0);
    subjects.push(['mark of dirty pages', { prepare: enter, run: () => markDirty(vcpu) }]);
    subjects.push(['of clean pages', { prepare: clean, run: () => markAny(vcpu) }]);
    subjects.push(['of dirty pages in that loop', { prepare: enter, run: () => markAny(vcpu) }]);
  }
  const times = new Map<string, number[]>();
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [name, { prepare, run }] of subjects) {
      prepare?.();
      const began = performance.now();
      run();
      const took = performance.now() - began;
      if (round >= 0) times.set(name, [...(times.get(name) ?? []), (took * 1e6) / PAGES]);
    }
    await new Promise((resolve) => setTimeout(resolve)); // the browser's own work, and its compilers'
  }
  return Object.fromEntries([...times].map(([name, all]) => [name, median(all)]));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}
