/**
 * A vCPU that marks random pages in batches, and counts the times between the ends of batches in the histogram of the
 * current phase.
 */
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { Gaps } from '../harness/gaps.js';
import { threadData, workUntilStopped } from '../harness/threads.js';
import { addressesIn, PAGE_SIZE, randomPages } from '../subjects/pages.js';

export interface BatchingVcpu {
  readonly handle: ArenaHandle;
  readonly start: number;
  readonly bytes: number;
  readonly marksPerBatch: number;
  readonly gaps: Int32Array;
}

const BATCHES = 16;

const { handle, start, bytes, marksPerBatch, gaps } = threadData<BatchingVcpu>();
const pages = randomPages(BATCHES * marksPerBatch, bytes / PAGE_SIZE);
const addresses = addressesIn(pages).map((address) => address + start);
const histogram = new Gaps(gaps);
const vcpu = attachVcpu(handle, { name: 'batching' });
let first = 0;
let last = performance.now();

workUntilStopped(() => {
  const end = first + marksPerBatch;
  for (let i = first; i < end; i++) vcpu.mark(addresses[i] as number);
  vcpu.quiescent();
  first = end === addresses.length ? 0 : end;
  const now = performance.now();
  histogram.add(now - last);
  last = now;
});
vcpu.detach();
