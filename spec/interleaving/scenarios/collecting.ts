/** Marks against collections. */

import { CODE, clientName, MIGRATION, VGA } from '../../../lib/dirty/client.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineScenario, engineScenario } from './engine-scenario.js';
import { BLOCK, type OwnerSide, PAGE } from './owner-side.js';
import type { ReaderSide } from './reader-side.js';

/** No page is there: a mark has the roots loaded again, and is refused. */
const NOWHERE = 6 * BLOCK;

/** Pages 0 and 1 are dirty, and all others clean. */
const twoDirty = ({ memory }: OwnerSide): void => {
  memory.setDirtyRange(0, 2 * PAGE, MIGRATION);
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
  await owner.collectInVain();
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
  'marks-for-all-clients-against-harvest': engineScenario({
    about: 'two readers mark clean pages of one word for all clients while the owner harvests one of them',
    clients: [VGA, CODE, MIGRATION],
    owner: async (owner) => {
      owner.stage.note(0, await owner.collect({}, CODE));
    },
    readers: [
      (reader) => {
        reader.storeAndMarkAll(0, 1);
      },
      (reader) => {
        reader.storeAndMarkAll(1, 2);
      },
    ],
  }),
  'turned-page-told-against-harvest': engineScenario({
    about:
      'two readers mark a clean page for all clients while the owner harvests: who turned it, and no other, is told',
    clients: [VGA, CODE, MIGRATION],
    owner: async (owner) => {
      await owner.collect();
    },
    readers: [
      (reader) => {
        reader.note(reader.vcpu.mark(0));
      },
      (reader) => {
        reader.note(reader.vcpu.mark(0));
      },
    ],
    judge: ([, ...told], { delivered }) => {
      for (const client of [VGA, CODE, MIGRATION]) {
        const tellings = told.filter((mask) => (mask & client) !== 0).length;
        const turned = delivered.get(client) ?? 0;
        if (tellings !== turned) {
          throw new Error(`${clientName(client)} had ${turned} pages that turned, of which ${tellings} were told`);
        }
      }
    },
  }),
  'reload-against-swap-harvest': engineScenario({
    about: 'a reader marks by the tables of before and of after a swap in one interval, around one store',
    swaps: true,
    setUp: twoDirty,
    owner: harvest.owner,
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
        reader.markWithoutStore(1);
        reader.refuses(NOWHERE);
        reader.stage.guest.set(1, 2);
      },
      () => {},
    ],
  }),
  'two-readers-of-one-thread': engineScenario({
    about: 'a thread has two readers, one of which reports between a mark and a store of the other',
    slots: 2,
    setUp: twoDirty,
    owner: harvest.owner,
    readers: [
      (reader) => {
        const other = reader.another();
        reader.markWithoutStore(0);
        other.vcpu.quiescent();
        reader.stage.guest.set(0, 1);
        other.detach();
      },
    ],
  }),
  'aborted-harvest-against-marks': engineScenario({
    about: 'a harvest is given up while readers store and mark, also a clean page beside those that are dirty again',
    setUp: twoDirty,
    owner: harvestAborted,
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
        // To the harvest's period, and to the one that was requested when it was given up, at whose end bits go back.
        reader.vcpu.quiescent();
        reader.vcpu.quiescent();
        reader.storeAndMark(2, 2);
      },
      () => {},
    ],
  }),
  'aborted-swap-harvest-against-marks': engineScenario({
    about:
      'a harvest that swaps the bitmap block out is given up while readers store and mark, and another one follows',
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
