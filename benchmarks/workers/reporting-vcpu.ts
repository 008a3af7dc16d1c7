/** A vCPU that only reports, every microsecond. */
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { threadData, workUntilStopped } from '../harness/threads.js';

export interface ReportingVcpu {
  readonly handle: ArenaHandle;
}

const MICROSECOND = 1e-3;

const vcpu = attachVcpu(threadData<ReportingVcpu>().handle, { name: 'reporting' });
let next = performance.now();

workUntilStopped(() => {
  while (performance.now() < next);
  vcpu.quiescent();
  next = performance.now() + MICROSECOND;
});
vcpu.detach();
