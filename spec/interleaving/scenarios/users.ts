/** Marks against users of one client, who must not rob one another. */
import { ArenaFullError } from '../../../lib/base/errors.js';
import { MIGRATION } from '../../../lib/dirty/client.js';
import { engineOf } from '../../../lib/dirty-memory.js';
import type { RamBlock } from '../../../lib/ram/ram-block.js';
import type { Tracking } from '../../../lib/tracking.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineScenario, engineScenario } from './engine-scenario.js';
import { BLOCK, type OwnerSide, PAGE } from './owner-side.js';
import type { ReaderSide } from './reader-side.js';

/** Beside the engine's own user another one, which has collected everything; then two pages are dirty for both. */
const twoUsers: Pick<EngineScenario, 'setUp' | 'readers'> = {
  setUp: async (owner: OwnerSide) => {
    owner.tracking = await owner.memory.track(MIGRATION, { name: 'another' });
    await owner.collect({}, owner.tracking);
    owner.memory.setDirtyRange(0, 2 * PAGE, MIGRATION);
  },
  readers: [
    (reader: ReaderSide) => {
      reader.storeAndMark(0, 1);
      reader.vcpu.quiescent();
      reader.storeAndMark(1, 2);
    },
  ],
};

const another = ({ tracking }: OwnerSide): Tracking => tracking as Tracking;

async function bothCollect(owner: OwnerSide): Promise<void> {
  const first = owner.collect();
  const second = owner.collect({}, another(owner));
  owner.stage.note(0, await first);
  await second;
}

export const userScenarios: Readonly<Record<string, Scenario>> = {
  'two-users-against-marks': engineScenario({
    about: 'a reader stores and marks while one user collects, and then another',
    ...twoUsers,
    owner: bothCollect,
  }),
  'two-users-against-marks-by-swaps': engineScenario({
    about: 'the same where the bitmap block is swapped out',
    swaps: true,
    ...twoUsers,
    owner: bothCollect,
  }),
  'user-that-gives-up-against-marks': engineScenario({
    about: 'a reader stores and marks while one user collects, another gives up what it had begun, and both collect',
    ...twoUsers,
    owner: async (owner) => {
      owner.stage.note(0, await owner.collect());
      owner.memory.setDirty(2 * PAGE, MIGRATION); // so that there is a period to give up
      await owner.collectInVain(another(owner));
      await owner.collect();
      await owner.collect({}, another(owner));
    },
  }),
  'user-that-stops-against-marks': engineScenario({
    about: 'a reader stores and marks while one user collects, another stops, and a third begins',
    ...twoUsers,
    owner: async (owner) => {
      const first = owner.collect();
      const stopped = owner.stop(another(owner));
      owner.stage.note(0, await first);
      await stopped;
      const third = await owner.memory.track(MIGRATION, { name: 'third' });
      await owner.collect({}, third);
    },
  }),
  'user-without-room-against-marks': engineScenario({
    about: 'a reader stores and marks while one user collects, and finds no room for what another has yet to collect',
    ...twoUsers,
    owner: async (owner) => {
      const { allocator } = engineOf(owner.memory);
      const { allocateBlock } = allocator;
      allocator.allocateBlock = (purpose) => {
        if (purpose.includes("'another'")) throw new ArenaFullError(purpose);
        return allocateBlock.call(allocator, purpose);
      };
      const refused = await owner.collect().then(
        () => 0,
        (error) => (error instanceof ArenaFullError ? 1 : 0),
      );
      allocator.allocateBlock = allocateBlock;
      owner.stage.note(0, refused);
      await owner.collect({}, another(owner));
      await owner.collect();
    },
    judge: ([refused]) => {
      if (refused !== 1) throw new Error('a collection has found room that was not there');
    },
  }),
  'user-against-unplug': engineScenario({
    about: 'a reader marks RAM that goes, of which one user has collected pages and another has not',
    ...twoUsers,
    owner: async (owner) => {
      owner.plug('gone', BLOCK / 2, BLOCK);
      await owner.collect();
      await owner.memory.ram.unplug(owner.memory.ram.get('gone') as RamBlock);
      await owner.collect();
      const { pending } = another(owner);
      const set = another(owner).dirty();
      // The reader marks two pages at most.
      owner.stage.note(0, pending > set.pages ? pending : 0);
      set.dispose();
      await owner.collect({}, another(owner));
    },
    judge: ([pending]) => {
      if (pending !== 0) throw new Error(`${pending} pages of RAM that is gone are pending`);
    },
  }),
};
