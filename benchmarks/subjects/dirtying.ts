/** vCPUs that dirty pages, each in its own RAM, and count the pages that they turned dirty. */
import type { DirtyMemory } from '../../lib/index.js';
import { startThread, type Thread } from '../harness/threads.js';
import type { DirtyingVcpu } from '../workers/dirtying-vcpu.js';
import { BLOCK_BYTES } from './pages.js';

/** Must divide the number of pages in the worker's list. */
const PAGES_PER_SLICE = 16;

export class DirtyingVcpus {
  private readonly threads: readonly Thread[];
  private readonly counts: readonly Int32Array[];

  private constructor(threads: readonly Thread[], counts: readonly Int32Array[]) {
    this.threads = threads;
    this.counts = counts;
  }

  /** Plugs a bitmap block of RAM for each vCPU. */
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

  /** @returns how many pages each vCPU has turned dirty, modulo 2^32 */
  turned(): number[] {
    return this.counts.map((turned) => Atomics.load(turned, 0));
  }

  async stop(): Promise<void> {
    for (const thread of this.threads) await thread.stop();
  }
}

/** @returns pages per second of each vCPU */
export function ratesBetween(before: readonly number[], after: readonly number[], milliseconds: number): number[] {
  return after.map((count, i) => ((count - (before[i] as number)) >>> 0) / (milliseconds / 1000));
}

/** @returns how far `is` differs from `should`, in percent of `should` */
export function offBy(is: number, should: number): number {
  return 100 * Math.abs(is / should - 1);
}
