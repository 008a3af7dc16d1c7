/** vCPUs that dirty pages, each in RAM of its own, and what they have dirtied by their own count. */
import type { DirtyMemory } from '../../lib/index.js';
import { startThread, type Thread } from '../harness/threads.js';
import type { DirtyingVcpu } from '../workers/dirtying-vcpu.js';
import { BLOCK_BYTES } from './pages.js';

/** Divides what the worker goes through. */
const PAGES_PER_SLICE = 16;

export class DirtyingVcpus {
  private readonly threads: readonly Thread[];
  private readonly counts: readonly Int32Array[];

  private constructor(threads: readonly Thread[], counts: readonly Int32Array[]) {
    this.threads = threads;
    this.counts = counts;
  }

  /** Plugs a bitmap block of RAM for each. */
  static async start(memory: DirtyMemory, count: number): Promise<DirtyingVcpus> {
    memory.ram.plug({ id: `of ${count} vCPUs`, size: count * BLOCK_BYTES, offset: 0 });
    const counts = Array.from({ length: count }, () => new Int32Array(new SharedArrayBuffer(64)));
    const threads = await Promise.all(
      counts.map((turned, i) =>
        startThread<DirtyingVcpu>('dirtying-vcpu', {
          handle: memory.handle,
          start: i * BLOCK_BYTES,
          bytes: BLOCK_BYTES,
          pagesPerSlice: PAGES_PER_SLICE,
          turned,
        }),
      ),
    );
    for (const { worker } of threads) memory.supervise(worker);
    return new DirtyingVcpus(threads, counts);
  }

  /** How many pages each has turned dirty, modulo 2^32. */
  turned(): number[] {
    return this.counts.map((turned) => Atomics.load(turned, 0));
  }

  async stop(): Promise<void> {
    for (const thread of this.threads) await thread.stop();
  }
}

/** @returns pages a second of each */
export function ratesBetween(before: readonly number[], after: readonly number[], milliseconds: number): number[] {
  return after.map((count, i) => ((count - (before[i] as number)) >>> 0) / (milliseconds / 1000));
}

/** How far a number is from what it should be, in percent of that. */
export function offBy(is: number, should: number): number {
  return 100 * Math.abs(is / should - 1);
}
