/** A thread whose own thread is a vCPU that spins in a section: tells the identity, kills it when told to, and says so. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ArenaHandle } from '../../lib/arena/arena.js';
import { RemoteVcpu } from '../support/remote-vcpu.js';

const nested = await RemoteVcpu.attached(workerData as ArenaHandle, 'nested');
await nested.begin('section');
parentPort?.once('message', async () => {
  await nested.worker.terminate();
  parentPort?.postMessage('gone');
});
parentPort?.postMessage(nested.identity);
