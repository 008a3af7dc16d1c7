/**
 * Sets ranges of a live block, random ones or always the same, until it is told to stop, and reports how many ranges it set
 * and how many bits turned.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Words } from '../../lib/arena/words.js';
import { AtomicsKernel } from '../../lib/bitmap/atomics-kernel.js';
import { WasmKernel } from '../../lib/bitmap/wasm-kernel.js';
import { randomRanges } from './random-ranges.js';
import type { SetLiveReport, SetLiveWork } from './set-live-threads.js';

const { memory, byteOffset, length, block, cells, stop, seed, kernel: name, range } = workerData as SetLiveWork;
const words = new Words(memory.buffer, byteOffset, length);
const kernel = name === 'wasm' ? WasmKernel.load(memory, byteOffset) : new AtomicsKernel(words);
if (kernel === undefined) throw new Error('no kernel');
const report: SetLiveReport = { ranges: 0, turned: 0 };
for (const random of randomRanges(seed, cells)) {
  const [first, end] = range ?? random;
  report.turned += kernel.setLive(block, first, end);
  report.ranges += 1;
  if (words.load(stop) !== 0) break;
}
parentPort?.postMessage(report);
