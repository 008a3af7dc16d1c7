import { workerData } from 'node:worker_threads';
import { attachVcpu } from 'dirtymem/vcpu';

const vcpu = attachVcpu(workerData, { name: 'vcpu0' });
vcpu.mark(2 * 4096);
vcpu.detach();
