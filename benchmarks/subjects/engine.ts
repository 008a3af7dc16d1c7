/** Waits for an engine to be as a measurement wants it. */
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import type { DirtyMemory } from '../../lib/dirty-memory.js';

/** Until the engine has zeroed so many free bitmap blocks, which it does when nobody waits. */
export async function zeroedBlocks(memory: DirtyMemory, count: number): Promise<void> {
  while (memory.stats().zeroedBlocks < count) await sleep(1);
}

/** Until every free bitmap block is zeroed. Polls between the engine's turns. */
export async function allZeroed(memory: DirtyMemory): Promise<void> {
  for (let stats = memory.stats(); stats.zeroedBlocks < stats.freeBlocks; stats = memory.stats()) await immediate();
}
