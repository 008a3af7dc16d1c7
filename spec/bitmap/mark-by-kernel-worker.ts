/** Does what set-live-worker does, with the kernel that the work names, in random ranges or always in the same one. */
import { parentPort, workerData } from 'node:worker_threads';
import { Words } from '../../lib/arena/words.js';
import { AtomicsKernel } from '../../lib/bitmap/atomics-kernel.js';
import type { Kernel } from '../../lib/bitmap/kernel.js';
import { WasmKernel } from '../../lib/bitmap/wasm-kernel.js';
import { randomRanges } from '../support/random-ranges.js';
import type { SetLiveReport, SetLiveWork } from '../support/set-live-worker.js';

export interface MarkByKernelWork extends SetLiveWork {
  kernel: Kernel['name'];
  range?: readonly [first: number, end: number];
}

const { memory, byteOffset, length, block, cells, stop, seed, kernel: name, range } = workerData as MarkByKernelWork;
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
