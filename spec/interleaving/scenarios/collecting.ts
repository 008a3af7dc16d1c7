/** Marks against collections. */
import type { Scenario } from '../checker/scenario.js';
import { Client } from '../../../lib/dirty/client.js';
import { engineScenario } from './engine-scenario.js';
import { PAGE } from './owner-side.js';

export const collectingScenarios: Readonly<Record<string, Scenario>> = {
  'mark-against-harvest': engineScenario({
    about: 'two readers store to a dirty page of their own each and mark it, while the owner harvests',
    setUp: ({ memory }) => {
      memory.setDirtyRange(0, 2 * PAGE, 1 << Client.Migration);
    },
    owner: async (owner) => {
      await owner.collect();
    },
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
      },
      (reader) => {
        reader.markAndStore(1, 2);
        reader.vcpu.quiescent();
        reader.storeAndMark(0, 3);
      },
    ],
  }),
  'mark-against-swap-harvest': engineScenario({
    about: 'the same where the bitmap block is swapped out',
    swaps: true,
    setUp: ({ memory }) => {
      memory.setDirtyRange(0, 2 * PAGE, 1 << Client.Migration);
    },
    owner: async (owner) => {
      await owner.collect();
    },
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
      },
      (reader) => {
        reader.markAndStore(1, 2);
        reader.vcpu.quiescent();
        reader.storeAndMark(0, 3);
      },
    ],
  }),
};
