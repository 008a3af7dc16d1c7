/**
 * Generated code on threads of its own, while the owner plugs, unplugs and collects: for CODE and MIGRATION into a
 * replica each, for VGA as fast as it can, without waiting and without copying, for the count. Bitmap blocks are small and
 * always swapped out, so that tables and blocks are replaced all the time.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';
import { clientName, rootOf } from '../../lib/dirty/client.js';
import { openEngine } from '../../lib/dirty-memory.js';
import { type Client, CODE, type DirtyMemory, MIGRATION, type PageSet, VGA } from '../../lib/index.js';
import { generateCode } from '../../scripts/abi-listings.js';
import { cleanAll, collectAtOnce, PAGE, SWAP_ALL } from '../support/engines.js';
import type { GeneratedReport, GeneratedWork } from './generated-vcpu-worker.js';

/** That are stored to, over three bitmap blocks. */
const PAGES = 192;
const GUEST_BYTES = 2 ** 20;
const ARENA_BYTES = 2 ** 18;
const THREADS = 2;
const COUNTED_HARVESTS = 1000;
/** The drivers: code that marks each store, and code that stores through a write-TLB. */
export const DRIVER = new URL('./assembly/store-and-mark.ts', import.meta.url);
export const TLB_DRIVER = new URL('./assembly/store-through-tlb.ts', import.meta.url);
/** The last 4 KiB before the arena, which no spec has contents in: 2 KiB for each thread. */
const WRITE_TLBS = GUEST_BYTES - THREADS * 2 ** 11;

/** @param thread from 0 */
export function writeTlbOf(thread: number): number {
  return WRITE_TLBS + thread * 2 ** 11;
}

/** In place of the listing guest.ts: counts how often the thread was told of a page, for the client of each root. */
export const COUNTING_GUEST = {
  'guest.ts': `
    let turned0: u32 = 0;
    let turned1: u32 = 0;
    let turned2: u32 = 0;
    export function translate(address: u32): u32 {
      return address;
    }
    export function turnedDirty(page: u32, clients: u32): void {
      turned0 += clients & 1;
      turned1 += (clients >>> 1) & 1;
      turned2 += clients >>> 2;
    }
    export function turned(root: u32): u32 {
      return root == 0 ? turned0 : root == 1 ? turned1 : turned2;
    }`,
};

/** An engine behind the guest RAM of one memory. */
export function engineBesideGuest(): DirtyMemory {
  const wasmPages = (GUEST_BYTES + ARENA_BYTES) / 65536;
  const memory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages, shared: true });
  const options = { memory, byteOffset: GUEST_BYTES, arenaBytes: ARENA_BYTES, maxRamBytes: 4096 * PAGE };
  return openEngine({ ...options, pagesPerBlock: 64, maxReaders: 4, stallMs: 600_000 }, { swapPolicy: SWAP_ALL })
    .memory;
}

export interface Progress {
  readonly rounds: number;
  /** Pages that were found in a copy, having differed a grace period before. */
  readonly checked: number;
  /** How many collections for the count found pages that had turned since the one just before. */
  readonly met: number;
}

export interface SessionReport extends Progress {
  readonly findings: readonly string[];
  readonly threads: readonly GeneratedReport[];
  readonly shrinks: number;
  readonly blocksSwapped: number;
}

class Replica {
  readonly client: Client;
  /** Pages delivered, each harvest's counted. */
  delivered = 0;
  private readonly guest: Words;
  private readonly copies = new Int32Array(PAGES);

  constructor(client: Client, guest: Words) {
    this.client = client;
    this.guest = guest;
  }

  /** The pages whose copy is not what the guest holds now. */
  differing(): number[] {
    const pages: number[] = [];
    for (let page = 0; page < PAGES; page++)
      if (this.copies[page] !== this.guest.load(page * (PAGE / 4))) pages.push(page);
    return pages;
  }

  /** @returns how many pages the set has; it is disposed of */
  count(set: PageSet): number {
    const { pages } = set;
    this.delivered += pages;
    set.dispose();
    return pages;
  }

  /** Copies what the set has, and disposes of it. @returns which of `due` it has not */
  deliver(set: PageSet, due: readonly number[]): number[] {
    const missing = due.filter((page) => !set.has(page * PAGE, PAGE));
    for (let page = 0; page < PAGES; page++) {
      if (!set.has(page * PAGE, PAGE)) continue;
      this.copies[page] = this.guest.load(page * (PAGE / 4));
      this.delivered++;
    }
    set.dispose();
    return missing;
  }
}

/** So many rounds, and pages and meetings in proportion. */
export function enough(rounds: number): (soFar: Progress) => boolean {
  return (soFar) => soFar.rounds >= rounds && soFar.checked >= 40 * rounds && soFar.met >= 4 * rounds;
}

export function expectNothingLost(report: SessionReport, rounds: number): void {
  expect(report.findings).to.deep.equal([]);
  for (const { marks, marksCalled, reports } of report.threads) {
    expect(marks).to.be.above(400 * rounds);
    expect(marksCalled).to.equal(0);
    expect(reports).to.be.above(rounds);
  }
  expect(report.blocksSwapped).to.be.above(rounds);
}

/**
 * @param driver `DRIVER` or `TLB_DRIVER`
 * @param changed listings with a bug, by file name
 * @param enough asked after each round; a finding ends the session too
 */
export async function runSession(
  driver: URL,
  changed: Readonly<Record<string, string>>,
  enough: (soFar: Progress) => boolean,
): Promise<SessionReport> {
  const memory = engineBesideGuest();
  memory.ram.plug({ id: 'base', size: PAGES * PAGE });
  cleanAll(memory);
  const { handle } = memory;
  const guest = new Words(handle.memory.buffer, 0, GUEST_BYTES / 4);
  const stop = new SharedArrayBuffer(4);
  const module = await generateCode(
    handle,
    driver,
    driver === TLB_DRIVER ? { ...COUNTING_GUEST, ...changed } : changed,
  );
  const workers = Array.from({ length: THREADS }, (_, i) => {
    const work: GeneratedWork = { handle, module, seed: i + 1, writeTlb: writeTlbOf(i), pages: PAGES, stop };
    return new Worker(new URL('./generated-vcpu-worker.js', import.meta.url), { workerData: work });
  });
  try {
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const counted = new Replica(VGA, guest);
    const replicas = [new Replica(CODE, guest), new Replica(MIGRATION, guest)];
    const findings: string[] = [];
    let rounds = 0;
    let checked = 0;
    let met = 0;
    while (findings.length === 0 && !enough({ rounds, checked, met })) {
      const dimm = memory.ram.plug({ id: 'dimm', size: 192 * PAGE });
      const unplugged = memory.ram.unplug(dimm);
      for (const replica of replicas) {
        const due = replica.differing();
        // Whatever stored what differs has ended its interval, and so has marked.
        await memory.rcu.synchronize({ timeoutMs: 60_000 });
        const missing = replica.deliver((await memory.harvest(replica.client, { timeoutMs: 60_000 })).set, due);
        if (missing.length > 0)
          findings.push(`${clientName(replica.client)}: stored to, but not dirty: pages ${missing}`);
        checked += due.length;
      }
      for (let i = 0; i < COUNTED_HARVESTS; i++) {
        if (counted.count(collectAtOnce(memory, VGA)) > 0 && i > 0) met++;
      }
      await unplugged;
      rounds++;
    }
    const reports = workers.map((worker) => once(worker, 'message'));
    new Words(stop, 0, 1).store(0, 1);
    const threads = (await Promise.all(reports)).map(([report]) => report as GeneratedReport);
    for (const replica of [counted, ...replicas]) {
      replica.deliver(collectAtOnce(memory, replica.client), []);
      const stale = replica.differing();
      if (replica !== counted && stale.length > 0)
        findings.push(`${clientName(replica.client)}: at the end, not in any copy: pages ${stale}`);
      const turned = threads.reduce((sum, report) => sum + (report.turned[rootOf(replica.client)] as number), 0);
      if (turned === replica.delivered) continue;
      findings.push(
        `${clientName(replica.client)}: threads were told of ${turned} pages, ${replica.delivered} were delivered`,
      );
    }
    const { shrinks, blocksSwapped } = memory.stats();
    return { findings, threads, rounds, checked, met, shrinks, blocksSwapped };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
