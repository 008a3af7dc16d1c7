/** Waits for an engine to be in the state that a measurement needs. */
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import type { DirtyMemory } from '../../lib/dirty-memory.js';

/** Waits until the engine has zeroed this many free bitmap blocks, which it does when it is idle. */
export async function zeroedBlocks(memory: DirtyMemory, count: number): Promise<void> {
  while (memory.stats().zeroedBlocks < count) await sleep(1);
}

/** Waits until every free bitmap block is zeroed. Polls between the engine's turns. */
export async function allZeroed(memory: DirtyMemory): Promise<void> {
  for (let stats = memory.stats(); stats.zeroedBlocks < stats.freeBlocks; stats = memory.stats()) await immediate();
}
