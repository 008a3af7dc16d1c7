/** An owner on a thread that is terminated without closing its engine, which lives in the memory it was given. */
import { parentPort, workerData } from 'node:worker_threads';
import { DirtyMemory, MIGRATION } from '../../lib/index.js';

export interface OwnersPlace {
  readonly memory: WebAssembly.Memory;
  readonly byteOffset: number;
  /** Of dirty pages a second, which are none at first. */
  readonly limit?: number;
}

const { memory, byteOffset, limit } = workerData as OwnersPlace;
const engine = DirtyMemory.create({
  memory,
  byteOffset,
  pagesPerBlock: 64,
  maxRamBytes: 2 ** 20,
  arenaBytes: 2 ** 16,
  maxReaders: 4,
  stallMs: 600_000,
});
engine.ram.plug({ id: 'ram', size: 2 ** 20 });
if (limit !== undefined) {
  engine.whileStopped.harvest(MIGRATION);
  engine.limitDirtyRate(limit);
}
parentPort?.postMessage(engine.handle);
parentPort?.on('message', () => {});
