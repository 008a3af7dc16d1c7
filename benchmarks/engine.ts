/** An engine with its block tables in reach, for what the owner's door does not offer alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockTables } from '../lib/dirty/block-tables.js';
import { DirtyMemory } from '../lib/dirty-memory.js';
import { shippedParts } from '../lib/parts.js';

export interface OpenEngine {
  readonly memory: DirtyMemory;
  readonly tables: BlockTables;
}

/** Until the engine has zeroed so many free bitmap blocks, which it does when nobody waits. */
export async function zeroedBlocks(memory: DirtyMemory, count: number): Promise<void> {
  while (memory.stats().zeroedBlocks < count) await sleep(1);
}

/** The shipped parts, default options. */
export function openEngine(): OpenEngine {
  let tables: BlockTables | undefined;
  const memory = new DirtyMemory(
    {},
    {
      ...shippedParts,
      queries: (...of) => {
        tables = of[0];
        return shippedParts.queries(...of);
      },
    },
  );
  if (tables === undefined) throw new Error('the engine was assembled without queries');
  return { memory, tables };
}
