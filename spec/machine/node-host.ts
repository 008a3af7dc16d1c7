/** Node as the host of the machine: harts are worker threads, which the engine supervises. */
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { DirtyMemory } from 'dirtymem';
import type { HartWork } from './hart-work.js';
import type { HartListener, HartThread, Host } from './host.js';
import { nodeTicks } from './node-ticks.js';

export const nodeHost: Host = {
  startHart(workerData: HartWork, memory: DirtyMemory, listener: HartListener): HartThread {
    const worker = new Worker(new URL('./hart-worker.ts', import.meta.url), { workerData });
    if (workerData.handle) memory.supervise(worker);
    worker.on('message', (message) => listener.told(message));
    worker.on('error', (error) => listener.failed(error as Error));
    worker.on('exit', () => listener.ended());
    return { gone: once(worker, 'exit').then(() => {}), terminate: () => void worker.terminate() };
  },
  ticks: nodeTicks,
  turn: () => turn(),
};
