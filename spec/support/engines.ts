/** Small engines, and what specs look at from outside. */

import { Header } from '../../lib/arena/layout.js';
import { shippedSwapPolicy } from '../../lib/dirty/density.js';
import { EVERYTHING } from '../../lib/dirty/page-range.js';
import { engineOf, openEngine } from '../../lib/dirty-memory.js';
import {
  type Client,
  CODE,
  type DirtyMemory,
  type DirtyMemoryOptions,
  MIGRATION,
  type PageSet,
  VGA,
} from '../../lib/index.js';
import { removeLocalReader } from '../../lib/rcu/local-readers.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';

export const CLIENTS = [VGA, CODE, MIGRATION] as const;
export const PAGE = 4096;
/** Swaps bitmap blocks of any size, and as soon as a word of them is dirty. */
export const SWAP_ALL = { oneIn: 2 ** 20, leastWords: 1 };

/** Whether engines are made in memory that threads share. */
let inSharedMemory = true;

/** A suite that is run twice: with engines that threads can share, and with engines of one thread. */
export function describeEngines(title: string, suite: (this: Mocha.Suite, shared: boolean) => void): void {
  for (const shared of [true, false]) {
    describe(shared ? title : `${title}, of an engine of one thread`, function () {
      before(() => {
        inSharedMemory = shared;
      });
      after(() => {
        inSharedMemory = true;
      });
      suite.call(this, shared);
    });
  }
}

/** An engine that grows and shrinks its tables often: 64 pages a bitmap block. Nobody waits for its stalls. */
export function smallEngine(options: DirtyMemoryOptions = {}, swapPolicy = shippedSwapPolicy): DirtyMemory {
  const all = {
    pageSize: PAGE,
    pagesPerBlock: 64,
    maxRamBytes: 4096 * PAGE,
    maxReaders: 4,
    arenaBytes: options.memory === undefined ? 2 ** 18 : 2 ** 16,
    debug: true,
    stallMs: 600_000,
    shared: inSharedMemory,
    ...options,
  };
  return openEngine(all, { swapPolicy }).memory;
}

/** One region of memory for many engines in turn: each finds what the one before has left there. */
export class Ground {
  readonly memory: WebAssembly.Memory;

  private readonly shared: boolean;

  constructor(bytes: number, shared: boolean) {
    const pages = Math.ceil(bytes / 65536);
    this.shared = shared;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  }

  /** @param swapPolicy when to swap bitmap blocks; the shipped one spares blocks as small as specs use */
  engine(options: DirtyMemoryOptions, swapPolicy = shippedSwapPolicy): DirtyMemory {
    // An engine that a failed test left open does not count.
    new Int32Array(this.memory.buffer)[Header.Magic] = 0;
    const arenaBytes = this.memory.buffer.byteLength - 64;
    const all = { stallMs: 600_000, maxReaders: 4, arenaBytes, ...options, memory: this.memory, shared: this.shared };
    return openEngine(all, { swapPolicy }).memory;
  }
}

/** A reader that the owner takes for one of another thread: it reports only when the spec makes it. */
export function foreignVcpu(memory: DirtyMemory, name = 'foreign'): Vcpu {
  const vcpu = attachVcpu(memory.handle, { name, identity: 4711 });
  removeLocalReader(vcpu);
  foreign.set(memory, [...(foreign.get(memory) ?? []), vcpu]);
  return vcpu;
}

const foreign = new WeakMap<DirtyMemory, Vcpu[]>();

/** Runs `body` while the foreign readers are offline: for collections that do not wait. */
export function whileOffline<T>(memory: DirtyMemory, body: () => T): T {
  const online = (foreign.get(memory) ?? []).filter((vcpu) => vcpu.online);
  for (const vcpu of online) vcpu.goOffline();
  try {
    return body();
  } finally {
    for (const vcpu of online) vcpu.goOnline();
  }
}

/** The event loop goes round, and every promise that can settle has. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets the foreign reader report until the promise settles. */
export async function reportUntil<T>(vcpu: Vcpu, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = promise.finally(() => {
    settled = true;
  });
  done.catch(() => {});
  while (!settled) {
    vcpu.quiescent();
    await turn();
  }
  return done;
}

export function pagesOf(set: PageSet, pageSize = PAGE): number[] {
  const pages: number[] = [];
  for (const { start, length } of set.runs()) {
    for (let at = start; at < start + length; at += pageSize) pages.push(at / pageSize);
  }
  return pages;
}

/** The dirty pages of the client, asked for one at a time. */
export function dirtyPages(memory: DirtyMemory, client: Client, pageSize = PAGE): number[] {
  const pages: number[] = [];
  for (const block of memory.ram) {
    for (let at = block.offset; at < block.offset + block.size; at += pageSize) {
      if (memory.isDirty(at, 1, client)) pages.push(at / pageSize);
    }
  }
  return pages;
}

/** Everything that a refused call must leave as it was. */
export function stateOf(memory: DirtyMemory, pageSize = PAGE): unknown {
  memory.rcu.poll(1); // what a grace period that is over has freed is freed before, not by, the call
  const { gracePeriods, callbacksPending, ...stats } = memory.stats();
  return {
    stats,
    ram: [...memory.ram].map(({ id, offset, size, pages }) => ({ id, offset, size, pages: pagesOf(pages, pageSize) })),
    dirty: CLIENTS.map((client) => dirtyPages(memory, client, pageSize)),
  };
}

/** What only stopped readers allow, whatever the readers do. */
export function collectAtOnce(memory: DirtyMemory, client: Client, range = EVERYTHING): PageSet {
  const engine = engineOf(memory);
  const bitmap = engine.bitmapOf(client);
  const user = engine.ownUserOf(client);
  return engine.collector.collectWhileStopped({
    ...{ operation: 'spec', bitmap, user },
    range: () => range,
    deliver: (taken) => taken,
  });
}

/** An engine without dirty pages: all is collected after a plug. */
export function cleanAll(memory: DirtyMemory): void {
  for (const client of CLIENTS) collectAtOnce(memory, client).dispose();
}

export function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}
