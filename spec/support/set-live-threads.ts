/** Threads that set bits of a live block, and one that takes them meanwhile. */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Words } from '../../lib/arena/words.js';
import type { Kernel } from '../../lib/bitmap/kernel.js';
import { NaiveBitmap } from './naive-bitmap.js';
import { HOLE, randomRanges } from './random-ranges.js';

export interface SetLiveWork {
  readonly memory: WebAssembly.Memory;
  readonly byteOffset: number;
  readonly length: number;
  readonly block: number;
  readonly cells: number;
  /** Index of the word that turns from 0 when the worker shall stop. */
  readonly stop: number;
  readonly seed: number;
  readonly kernel: Kernel['name'];
  /** Instead of random ones. */
  readonly range?: readonly [first: number, end: number];
}

export interface SetLiveReport {
  ranges: number;
  turned: number;
}

export interface Race {
  /** What the threads set bits of; its last word is there to stop them. */
  readonly arena: { readonly memory: WebAssembly.Memory; readonly byteOffset: number; readonly words: Words };
  readonly block: number;
  readonly cells: number;
  readonly works: readonly Pick<SetLiveWork, 'seed' | 'kernel' | 'range'>[];
  /** So many rounds that take something, and a run cannot pass without having raced. */
  readonly busyRounds: number;
}

export interface Raced {
  readonly taken: number;
  /** How many bits the threads turned. */
  readonly turned: number;
  readonly reports: readonly SetLiveReport[];
}

/** @param take one round. @returns how many of the threads' bits it took */
export async function race(
  { arena, block, cells, works, busyRounds }: Race,
  take: (round: number) => number,
): Promise<Raced> {
  const { memory, byteOffset, words } = arena;
  const { length } = words;
  const stop = length - 1;
  const workers = works.map((work) => {
    const workerData: SetLiveWork = { memory, byteOffset, length, block, cells, stop, ...work };
    return new Worker(new URL('./set-live-worker.js', import.meta.url), { workerData });
  });
  try {
    const messages = Promise.all(workers.map((worker) => once(worker, 'message')));
    let failed = false;
    messages.catch(() => {
      failed = true;
    });
    let taken = 0;
    for (let round = 0, busy = 0; busy < busyRounds && !failed; round++) {
      const found = take(round);
      taken += found;
      if (found !== 0) busy += 1;
      if (round % 64 === 0) await setImmediate(); // lets a worker's failure be heard
    }
    words.store(stop, 1);
    const reports = (await messages).map(([report]) => report as SetLiveReport);
    return { taken, turned: reports.reduce((sum, { turned }) => sum + turned, 0), reports };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** What the threads set whose ranges were random. */
export function setBy({ works, cells }: Pick<Race, 'works' | 'cells'>, reports: readonly SetLiveReport[]): NaiveBitmap {
  const set = new NaiveBitmap();
  for (const [worker, { ranges }] of reports.entries()) {
    const sequence = randomRanges(works[worker]?.seed as number, cells);
    for (let n = 0; n < ranges && set.size < cells * HOLE; n++) set.set(...sequence.next().value);
  }
  return set;
}
