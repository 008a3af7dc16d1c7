/**
 * Sets random ranges of a live block until it is told to stop, and reports how many ranges it set and how many bits
 * turned.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Words } from '../../lib/arena/words.js';
import { AtomicsKernel } from '../../lib/bitmap/atomics-kernel.js';
import { randomRanges } from './random-ranges.js';

export interface SetLiveWork {
  memory: WebAssembly.Memory;
  byteOffset: number;
  length: number;
  block: number;
  cells: number;
  /** Index of the word that turns from 0 when the worker shall stop. */
  stop: number;
  seed: number;
}

export interface SetLiveReport {
  ranges: number;
  turned: number;
}

const { memory, byteOffset, length, block, cells, stop, seed } = workerData as SetLiveWork;
const words = new Words(memory.buffer, byteOffset, length);
const kernel = new AtomicsKernel(words);
const report: SetLiveReport = { ranges: 0, turned: 0 };
for (const [first, end] of randomRanges(seed, cells)) {
  report.turned += kernel.setLive(block, first, end);
  report.ranges += 1;
  if (words.load(stop) !== 0) break;
}
parentPort?.postMessage(report);
