/** Entry point of a vCPU's thread of a machine that is migrated. */
import { parentPort, workerData } from 'node:worker_threads';
import { runVcpu } from '../lib/stress/migration/guest-vcpu.js';

runVcpu(workerData, () => parentPort?.postMessage('attached'));
