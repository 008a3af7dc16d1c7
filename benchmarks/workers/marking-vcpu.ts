/** A vCPU that marks random pages as fast as it can, and reports after each slice. */
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { threadData, workUntilStopped } from '../harness/threads.js';
import { addressesIn, PAGE_SIZE, randomPages } from '../subjects/pages.js';

export interface MarkingVcpu {
  readonly handle: ArenaHandle;
  /** The vCPU marks RAM below this address. */
  readonly bytes: number;
  readonly marksPerSlice: number;
}

const SLICES = 64;

const { handle, bytes, marksPerSlice } = threadData<MarkingVcpu>();
const addresses = addressesIn(randomPages(SLICES * marksPerSlice, bytes / PAGE_SIZE));
const vcpu = attachVcpu(handle, { name: 'marking' });
let first = 0;

workUntilStopped(() => {
  const end = first + marksPerSlice;
  for (let i = first; i < end; i++) vcpu.mark(addresses[i] as number);
  vcpu.quiescent();
  first = end === addresses.length ? 0 : end;
});
vcpu.detach();
