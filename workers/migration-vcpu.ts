/** Entry point of a vCPU's thread on a host of `migrate-demo`. */
import { parentPort, workerData } from 'node:worker_threads';
import { runVcpu } from '../lib/stress/migration/guest-vcpu.js';

runVcpu(workerData, () => parentPort?.postMessage('attached'));
