/**
 * How long does the owner take to extend the bitmaps of all three clients by one block while a vCPU marks?
 *
 * Timed are the new tables, their publication and the request of a grace period, with blocks that are free and zeroed;
 * not the setting of the bits (the question `plug`), nor the waiting. Between samples the grace period is waited for; now
 * and then the blocks are dropped, and the owner is idle until they are zeroed.
 */
import { compare } from '../compare.js';
import { openEngine, zeroedBlocks } from '../engine.js';
import { atMost } from '../figure.js';
import { BLOCK_BYTES, BLOCK_PAGES } from '../pages.js';
import { roundTrip } from '../ping-pong.js';
import type { Question } from '../question.js';
import { startThread } from '../threads.js';
import type { MarkingVcpu } from '../workers/marking-vcpu.js';

/** How many are added one after another before they are dropped together. */
const BLOCKS = 16;

async function ask(rounds: number) {
  const lines = await roundTrip();
  const { memory, tables } = openEngine();
  memory.ram.plug({ id: 'ram', size: BLOCK_BYTES });
  const vcpu = await startThread<MarkingVcpu>('marking-vcpu', {
    handle: memory.handle,
    bytes: BLOCK_BYTES,
    marksPerSlice: 200,
  });
  memory.supervise(vcpu.worker);
  const name = 'extend by a block, three clients';
  const all = { first: BLOCK_PAGES, end: (1 + BLOCKS) * BLOCK_PAGES };
  let end = all.end;
  const extend = (): void => {
    const release = tables.extend({ first: end - BLOCK_PAGES, end }, false, name);
    if (release === undefined) throw new Error('there was nothing to extend');
    memory.rcu.defer(release);
  };
  const makeRoom = async (): Promise<void> => {
    if (end < all.end) end += BLOCK_PAGES;
    else {
      const release = tables.shrink(all, () => false, name);
      if (release !== undefined) {
        memory.rcu.defer(release);
        await zeroedBlocks(memory, 3 * BLOCKS);
      }
      end = all.first + BLOCK_PAGES;
    }
    memory.rcu.synchronizeBlocking({ timeoutMs: 60_000 });
  };
  const times = await compare([{ name, operations: 1, batch: extend, prepare: makeRoom }], {
    rounds,
    milliseconds: 0,
    samples: 64,
  });
  await vcpu.stop();
  await memory.close();
  return [times.time(name, 'us', 1000, atMost(20)), lines];
}

export default { title: 'Extending the bitmaps while a vCPU marks', ask } satisfies Question;
