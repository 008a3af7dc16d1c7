/** Runs store-and-mark until it is told to stop. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ArenaHandle } from '../../lib/arena/arena.js';
import { Words } from '../../lib/arena/words.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { GeneratedVcpu } from './generated-vcpu.js';

export interface GeneratedWork {
  readonly handle: ArenaHandle;
  readonly module: WebAssembly.Module;
  readonly seed: number;
  /** The bytes of its write-TLB. */
  readonly writeTlb: number;
  /** Pages of guest RAM that are stored to. */
  readonly pages: number;
  /** One word: not 0, stop. */
  readonly stop: SharedArrayBuffer;
}

export interface GeneratedReport {
  readonly marks: number;
  /** By client, in the order of their roots. */
  readonly turned: readonly number[];
  readonly marksCalled: number;
  readonly reports: number;
}

/** So many that tables are replaced meanwhile, and a page that was missed is not soon marked again. */
const INTERVALS = 100_000;
const MARKS = INTERVALS * 16;

const { handle, module, seed, writeTlb, pages, stop: stopBuffer } = workerData as GeneratedWork;
const stop = new Words(stopBuffer, 0, 1);
const generated = new GeneratedVcpu(handle, module, attachVcpu(handle, { name: `vcpu${seed}` }), { writeTlb });
generated.code.seed(seed);
parentPort?.postMessage('begun');
let marks = 0;
for (; stop.load(0) === 0; marks += MARKS) generated.code.run(INTERVALS, pages);
generated.vcpu.detach();
const { marksCalled, reports } = generated;
parentPort?.postMessage({
  marks,
  turned: [0, 1, 2].map((root) => generated.code.turned(root)),
  marksCalled,
  reports,
} satisfies GeneratedReport);
