/** An engine with its block tables in reach, for what the owner's door does not offer alone. */
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import type { Kernel } from '../../lib/bitmap/kernel.js';
import type { BlockTables } from '../../lib/dirty/block-tables.js';
import { DirtyMemory, type DirtyMemoryOptions } from '../../lib/dirty-memory.js';
import { type Parts, shippedParts } from '../../lib/parts.js';

export interface OpenEngine {
  readonly memory: DirtyMemory;
  readonly tables: BlockTables;
  readonly kernel: Kernel;
}

/** Until the engine has zeroed so many free bitmap blocks, which it does when nobody waits. */
export async function zeroedBlocks(memory: DirtyMemory, count: number): Promise<void> {
  while (memory.stats().zeroedBlocks < count) await sleep(1);
}

/** Until every free bitmap block is zeroed. Polls between the engine's turns. */
export async function allZeroed(memory: DirtyMemory): Promise<void> {
  for (let stats = memory.stats(); stats.zeroedBlocks < stats.freeBlocks; stats = memory.stats()) await immediate();
}

/** The shipped parts, but for those given. */
export function openEngine(options: DirtyMemoryOptions = {}, parts: Partial<Parts> = {}): OpenEngine {
  let tables: BlockTables | undefined;
  let kernel: Kernel | undefined;
  const memory = new DirtyMemory(options, {
    ...shippedParts,
    ...parts,
    tables: (...of) => {
      kernel = of[2];
      tables = shippedParts.tables(...of);
      return tables;
    },
  });
  if (tables === undefined || kernel === undefined) throw new Error('the engine was assembled without tables');
  return { memory, tables, kernel };
}
