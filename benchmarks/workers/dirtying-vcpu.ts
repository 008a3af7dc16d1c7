/** A vCPU that dirties random pages as fast as its limit allows, and counts the pages that it turned dirty. */
import { type ArenaHandle, attachVcpu, MIGRATION } from '../../lib/vcpu.js';
import { threadData, workUntilStopped } from '../harness/threads.js';
import { PAGE_SIZE, randomPages } from '../subjects/pages.js';

export interface DirtyingVcpu {
  readonly handle: ArenaHandle;
  readonly start: number;
  readonly bytes: number;
  readonly pagesPerSlice: number;
  /** One word: the count of pages turned dirty, modulo 2^32. */
  readonly turned: Int32Array;
}

const { handle, start, bytes, pagesPerSlice, turned } = threadData<DirtyingVcpu>();
const pages = randomPages(2 ** 20, bytes / PAGE_SIZE).map((page) => page + start / PAGE_SIZE);
const vcpu = attachVcpu(handle, { name: 'dirtying' });
let first = 0;

workUntilStopped(() => {
  const end = first + pagesPerSlice;
  let count = 0;
  for (let i = first; i < end; i++) if (vcpu.markPage(pages[i] as number, MIGRATION) !== 0) count++;
  Atomics.add(turned, 0, count);
  vcpu.quiescent();
  first = end === pages.length ? 0 : end;
});
vcpu.detach();
