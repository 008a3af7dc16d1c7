/** The thread of a hart in Node. */
import { parentPort, workerData } from 'node:worker_threads';
import { attachVcpu } from 'dirtymem/vcpu';
import { runHart } from './hart-thread.js';
import type { HartWork } from './hart-work.js';
import { nodeTicks } from './node-ticks.js';

runHart(workerData as HartWork, {
  attach: attachVcpu,
  tell: (message) => parentPort?.postMessage(message),
  ticks: nodeTicks,
});
