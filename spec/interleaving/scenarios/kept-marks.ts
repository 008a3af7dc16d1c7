/** Readers that mark a page once in an interval and store to it more often (DM-7), against collections. */
import { MIGRATION, VGA } from '../../../lib/dirty/client.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineScenario, engineScenario } from './engine-scenario.js';
import { type OwnerSide, PAGE, unlessAborted } from './owner-side.js';
import type { ReaderSide } from './reader-side.js';

/** Pages 0 and 1 are dirty, and all others clean. */
const twoDirty = ({ memory }: OwnerSide): void => {
  memory.setDirtyRange(0, 2 * PAGE, MIGRATION);
};

/** Each reader learns of the end of its interval in another way. */
const twoReaders: Pick<EngineScenario, 'tracked' | 'setUp' | 'readers'> = {
  tracked: MIGRATION,
  setUp: twoDirty,
  readers: [
    (reader: ReaderSide) => {
      const kept = reader.keepMarks('number');
      reader.keptStore(kept, 0, 1);
      reader.keptStore(kept, 0, 2);
      kept.quiescent();
      reader.keptStore(kept, 0, 3);
    },
    (reader: ReaderSide) => {
      const kept = reader.keepMarks('return');
      reader.keptStore(kept, 1, 4);
      kept.quiescent();
      reader.keptStore(kept, 1, 5);
    },
  ],
};

async function givenUp(owner: OwnerSide): Promise<void> {
  await owner.collectInVain();
  owner.stage.note(0, await owner.collect());
}

const oneReader: Pick<EngineScenario, 'tracked' | 'setUp' | 'readers'> = {
  tracked: MIGRATION,
  setUp: twoDirty,
  readers: [
    (reader: ReaderSide) => {
      const kept = reader.keepMarks('listener');
      reader.keptStore(kept, 0, 1);
      reader.keptStore(kept, 0, 2);
      kept.quiescent();
      reader.keptStore(kept, 0, 3);
      kept.quiescent();
      reader.keptStore(kept, 0, 4);
    },
  ],
};

export const keptMarksScenarios: Readonly<Record<string, Scenario>> = {
  'kept-marks-against-harvest': engineScenario({
    about: 'two readers keep marks of dirty pages for their intervals while the owner harvests',
    ...twoReaders,
    owner: async (owner) => {
      owner.stage.note(0, await owner.collect());
    },
  }),
  'kept-marks-against-swap-harvest': engineScenario({
    about: 'the same where the bitmap block is swapped out',
    swaps: true,
    ...twoReaders,
    owner: async (owner) => {
      owner.stage.note(0, await owner.collect());
    },
  }),
  'kept-marks-against-bounded-harvests': engineScenario({
    about: 'a reader keeps the mark of one of two dirty pages while harvests of one page each collect them',
    ...oneReader,
    owner: async (owner) => {
      await owner.collect({ maxPages: 1 });
      owner.stage.note(0, await owner.collect({ maxPages: 1 }));
    },
  }),
  'kept-marks-against-aborted-harvest': engineScenario({
    about: 'a reader keeps its mark while a harvest is given up, and another one follows',
    ...oneReader,
    owner: givenUp,
  }),
  'kept-marks-against-aborted-swap-harvest': engineScenario({
    about: 'the same where the bitmap block is swapped out',
    swaps: true,
    ...oneReader,
    owner: givenUp,
  }),
  'kept-marks-against-offline': engineScenario({
    about: 'two readers go offline and come back between the stores to a page, while the owner harvests',
    tracked: MIGRATION,
    setUp: twoDirty,
    owner: async (owner) => {
      owner.stage.note(0, await owner.collect());
    },
    readers: [
      (reader) => {
        const kept = reader.keepMarks('number');
        reader.keptStore(kept, 0, 1);
        reader.vcpu.goOffline();
        reader.vcpu.goOnline();
        kept.cameBack();
        reader.keptStore(kept, 0, 2);
      },
      (reader) => {
        const kept = reader.keepMarks('listener');
        reader.keptStore(kept, 1, 3);
        reader.vcpu.offline(() => {});
        kept.cameBack();
        reader.keptStore(kept, 1, 4);
      },
    ],
  }),
  'kept-marks-against-measurement': engineScenario({
    about: 'a reader comes and keeps the mark of a page whose bit is borrowed, put back and harvested',
    attachInRace: [1],
    tracked: MIGRATION,
    setUp: twoDirty,
    owner: async (owner) => {
      const abort = new AbortController();
      const measured = owner.memory
        .measureDirtyRate({ windowMs: 64_000, signal: abort.signal })
        .catch(unlessAborted(abort.signal));
      owner.stage.note(0, await owner.collect());
      abort.abort();
      await measured;
    },
    readers: [
      (reader) => {
        reader.attach();
        const kept = reader.keepMarks('number');
        reader.keptStore(kept, 0, 1);
        // To the period of the window, and to that of the harvest.
        kept.quiescent();
        kept.quiescent();
        reader.keptStore(kept, 0, 2);
      },
    ],
  }),
  'kept-marks-against-track': engineScenario({
    about: 'readers keep marks that they have made for other clients while tracking begins and the owner harvests',
    tracked: VGA,
    owner: async (owner) => {
      owner.stage.note(0, await owner.collect({}, await owner.memory.track(MIGRATION)));
    },
    readers: [
      (reader) => {
        const kept = reader.keepMarks('number');
        reader.keptStore(kept, 0, 1);
        kept.quiescent();
        reader.keptStore(kept, 0, 2);
        kept.quiescent();
        reader.keptStore(kept, 0, 3);
      },
      (reader) => {
        const kept = reader.keepMarks('return');
        reader.keptStore(kept, 1, 4);
        reader.keptStore(kept, 1, 5);
      },
    ],
  }),
};
