/** Measuring dirty rates, and limiting them. */
import { MIGRATION } from '../../../lib/dirty/client.js';
import type { Scenario } from '../checker/scenario.js';
import { engineScenario } from './engine-scenario.js';
import { type OwnerSide, PAGE, unlessAborted } from './owner-side.js';

/** A harvest ends its first window, and the second is given up. */
async function measureAndHarvest(owner: OwnerSide): Promise<void> {
  // So long a measurement looks for new readers every second or more, which in an exploration never comes.
  const abort = new AbortController();
  const measured = owner.memory
    .measureDirtyRate({ windowMs: 64_000, signal: abort.signal })
    .catch(unlessAborted(abort.signal));
  owner.stage.note(0, await owner.collect());
  abort.abort();
  await measured;
}

export const rateScenarios: Readonly<Record<string, Scenario>> = {
  'mark-against-measurement': engineScenario({
    about:
      'two readers come, store to pages and mark them, a clean one and dirty ones whose bits are borrowed, put back, harvested, and borrowed again',
    attachInRace: [1, 2], // a window is opened within the call only when no reader has to be waited for
    setUp: ({ memory }) => {
      memory.setDirtyRange(0, 2 * PAGE, MIGRATION);
    },
    owner: measureAndHarvest,
    readers: [
      (reader) => {
        reader.attach();
        reader.storeAndMark(2, 1);
      },
      (reader) => {
        reader.attach();
        reader.markAndStore(1, 2);
        reader.vcpu.quiescent();
        reader.storeAndMark(0, 3);
      },
    ],
  }),
  'limit-lifted-against-sleep': engineScenario({
    about: 'a reader that is ahead of its limit goes to sleep while the limit is lifted',
    setUp: ({ memory }) => {
      memory.limitDirtyRate(1);
    },
    owner: async ({ memory }) => {
      // Once: a second change would wake whoever has missed the first.
      memory.limitDirtyRate(undefined);
      await memory.rcu.synchronize();
    },
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
        reader.vcpu.quiescent();
        reader.storeAndMark(1, 2);
      },
    ],
  }),
};
