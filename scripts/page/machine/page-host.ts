/**
 * A page as the host of the machine: harts are module workers. No event says that a worker has ended, so each holds a
 * lock for as long as it lives, and the page waits for it. Its reader is retired when the lock is free.
 */
import type { DirtyMemory } from 'dirtymem';
import type { HartWork } from '../../../spec/machine/hart-work.js';
import type { HartListener, HartThread, Host } from '../../../spec/machine/host.js';
import { turn } from '../turn.js';
import type { PageHartMessage, PageHartWork } from './hart-worker.js';
import { pageTicks } from './page-ticks.js';

let identities = 0;

export const pageHost: Host = {
  ticks: pageTicks,
  turn,

  startHart(work: HartWork, memory: DirtyMemory, listener: HartListener): HartThread {
    const worker = new Worker(new URL('./hart-worker.ts', import.meta.url), { type: 'module' });
    const lock = crypto.randomUUID();
    const identity = ++identities;
    const gone = new Promise<void>((resolve) => {
      let lives = false;
      const end = (): void => {
        memory.retire(identity);
        listener.ended();
        resolve();
      };
      worker.onmessage = ({ data }: MessageEvent<PageHartMessage>) => {
        if (data.kind === 'failed') listener.failed(data.error);
        else if (data.kind !== 'lives') listener.told(data);
        else {
          lives = true;
          void navigator.locks.request(lock, end);
        }
      };
      worker.onerror = ({ message }) => {
        listener.failed(new Error(message));
        if (!lives) end(); // its script could not be loaded
      };
    });
    worker.postMessage({ work, lock, identity } satisfies PageHartWork);
    return { gone, terminate: () => worker.terminate() };
  },
};
