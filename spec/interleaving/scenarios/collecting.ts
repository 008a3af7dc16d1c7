/** Marks against collections. */

import { Client } from '../../../lib/dirty/client.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineScenario, engineScenario } from './engine-scenario.js';
import { type OwnerSide, PAGE } from './owner-side.js';
import type { ReaderSide } from './reader-side.js';

/** Pages 0 and 1 are dirty. */
const twoDirty = ({ memory }: OwnerSide): void => {
  memory.setDirtyRange(0, 2 * PAGE, 1 << Client.Migration);
};

const harvest: Pick<EngineScenario, 'setUp' | 'owner' | 'readers'> = {
  setUp: twoDirty,
  owner: async (owner) => {
    owner.stage.note(0, await owner.collect());
  },
  readers: [
    (reader: ReaderSide) => {
      reader.storeAndMark(0, 1);
    },
    (reader: ReaderSide) => {
      reader.markAndStore(1, 2);
      reader.vcpu.quiescent();
      reader.storeAndMark(0, 3);
    },
  ],
};

async function harvestAborted(owner: OwnerSide): Promise<void> {
  const abort = new AbortController();
  const harvested = owner.collect({ signal: abort.signal }).catch((error) => {
    if (error !== abort.signal.reason) throw error;
  });
  abort.abort();
  await harvested;
  owner.stage.note(0, await owner.collect());
}

export const collectingScenarios: Readonly<Record<string, Scenario>> = {
  'mark-against-harvest': engineScenario({
    about: 'two readers store to dirty pages and mark them, in either order, while the owner harvests',
    ...harvest,
  }),
  'mark-against-swap-harvest': engineScenario({
    about: 'the same where the bitmap block is swapped out',
    swaps: true,
    ...harvest,
  }),
  'clean-pages-against-harvest': engineScenario({
    about: 'two readers mark clean pages of one word while the owner harvests',
    owner: harvest.owner,
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
      },
      (reader) => {
        reader.storeAndMark(1, 2);
      },
    ],
  }),
  'aborted-harvest-against-marks': engineScenario({
    about: 'a harvest is given up while readers store and mark, and another one follows',
    setUp: twoDirty,
    owner: harvestAborted,
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
      },
      (reader) => {
        reader.markAndStore(1, 2);
      },
    ],
  }),
  'aborted-swap-harvest-against-marks': engineScenario({
    about: 'the same where the bitmap block is swapped out',
    swaps: true,
    setUp: twoDirty,
    owner: harvestAborted,
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
      },
      (reader) => {
        reader.markAndStore(1, 2);
      },
    ],
  }),
};
