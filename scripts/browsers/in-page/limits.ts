/** What browsers differ in besides: when a terminated worker's lock is free, and how many engines can live at a time. */
import { DirtyMemory } from '../../../lib/index.js';

const TIMES = 5;
const MOST_ENGINES = 1000;
/** Holds a lock, and does not return to its event loop. */
const HOLDER = `onmessage = ({ data }) => navigator.locks.request(data, () => { postMessage('held'); for (;;); });`;

/** @returns milliseconds from `terminate()` until the page gets the worker's lock, the median */
export async function lockRelease(): Promise<number> {
  const url = URL.createObjectURL(new Blob([HOLDER], { type: 'text/javascript' }));
  const times: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    const lock = crypto.randomUUID();
    const worker = new Worker(url);
    await new Promise((resolve) => {
      worker.onmessage = resolve;
      worker.postMessage(lock);
    });
    const released = navigator.locks.request(lock, () => {});
    const began = performance.now();
    worker.terminate();
    await released;
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[TIMES >> 1] as number;
}

/** @returns how many engines with default options the page can create, and what then stops it */
export function engineCount(): { readonly engines: number; readonly stoppedBy: string } {
  const kept: DirtyMemory[] = [];
  for (;;) {
    if (kept.length === MOST_ENGINES) return { engines: kept.length, stoppedBy: 'nothing' };
    try {
      kept.push(DirtyMemory.create());
    } catch (error) {
      return { engines: kept.length, stoppedBy: (error as Error).name };
    }
  }
}
