/** RAM that comes and goes, against readers and collections. */
import { Header } from '../../../lib/arena/layout.js';
import { MIGRATION } from '../../../lib/dirty/client.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineScenario, engineScenario } from './engine-scenario.js';
import { BLOCK, type OwnerSide, PAGE, periodBegun } from './owner-side.js';
import type { ReaderSide } from './reader-side.js';

/** A guest word: the owner's unplugging has ended. */
const GONE = 512;
const HALF = BLOCK / 2;

const extend: Pick<EngineScenario, 'owner' | 'readers'> = {
  owner: async (owner) => {
    owner.plug('more', BLOCK);
    await owner.memory.rcu.synchronize();
  },
  readers: [
    (reader) => {
      reader.storeAndMark(0, 1);
    },
    (reader) => {
      reader.vcpu.quiescent();
      reader.storeAndMark(1, 2);
    },
  ],
};

/** Marks where RAM may be gone; where it is known to be, the mark must be refused. */
function markLate(reader: ReaderSide, page: number): void {
  const gone = reader.stage.guest.load(GONE) === 1;
  reader.vcpu.quiescent();
  const refused = reader.refuses(page);
  reader.note(gone ? 2 : refused ? 1 : 0);
  if (gone && !refused) throw new Error(`the mark of page ${page} was taken after its unplugging had ended`);
}

/** Marks where RAM may be gone, and stores where it is not. @returns whether it was refused */
function markAndStoreLate(reader: ReaderSide, page: number, value: number): boolean {
  const refused = reader.refuses(page);
  if (!refused) reader.stage.guest.set(page, value);
  return refused;
}

async function unplugFirst(owner: OwnerSide): Promise<void> {
  await owner.memory.ram.unplug(owner.dimm);
  owner.stage.guest.store(GONE, 1);
}

export const hotplugScenarios: Readonly<Record<string, Scenario>> = {
  'readers-against-extend': engineScenario({
    about: 'two readers mark while a longer table takes the place of theirs',
    ...extend,
  }),
  'readers-against-extend-at-the-wrap': engineScenario({
    about: 'the same while the grace-period number wraps',
    ...extend,
    setUp: async ({ memory, stage }) => {
      while (stage.scheduler.memory.words[Header.Number] !== 2 ** 31 - 1) await memory.rcu.synchronize();
    },
  }),
  'extend-against-harvest': engineScenario({
    about: 'a table is extended while a harvest waits for the readers',
    setUp: ({ memory }) => {
      memory.setDirty(0, MIGRATION);
    },
    owner: async (owner) => {
      const harvested = owner.collect();
      await periodBegun();
      owner.plug('more', BLOCK);
      owner.stage.note(0, await harvested);
    },
    readers: [
      (reader) => {
        reader.vcpu.quiescent();
        reader.storeAndMark(0, 1);
      },
      () => {},
    ],
  }),
  'unplug-against-late-mark': engineScenario({
    about: 'readers mark RAM that is being unplugged; once it is gone they are refused',
    setUp: (owner) => {
      owner.dimm = owner.plug('gone', BLOCK);
      owner.plug('above', BLOCK);
    },
    owner: unplugFirst,
    readers: [
      (reader) => {
        reader.vcpu.quiescent();
        markLate(reader, BLOCK);
      },
      (reader) => {
        reader.refuses(BLOCK + 1);
        reader.storeAndMark(0, 1);
      },
    ],
  }),
  'unplug-of-the-last-pages-against-late-mark': engineScenario({
    about: 'the same where the bitmap block stays, because it has other pages',
    pages: HALF,
    setUp: (owner) => {
      owner.dimm = owner.plug('gone', HALF, HALF);
    },
    owner: unplugFirst,
    readers: [
      (reader) => {
        reader.vcpu.quiescent();
        markLate(reader, HALF);
      },
    ],
  }),
  'plug-and-unplug-between-against-marks': engineScenario({
    about: 'a reader marks for all clients, by tables of which some are older than others, where RAM comes and goes',
    setUp: (owner) => {
      owner.plug('above', BLOCK, 2 * BLOCK);
    },
    owner: async (owner) => {
      await owner.memory.ram.unplug(owner.plug('between', BLOCK, BLOCK));
    },
    readers: [
      (reader) => {
        reader.storeAndMarkAll(0, 1);
        const refused = reader.refusesAll(BLOCK);
        reader.storeAndMarkAll(0, 2);
        reader.note(refused ? 1 : 0);
      },
    ],
  }),
  'unplug-replug-against-aborted-swap-harvest': engineScenario({
    about: 'a harvest that swaps blocks out is given up while RAM of one of them goes, and other RAM takes its place',
    swaps: true,
    setUp: async (owner) => {
      owner.dimm = owner.plug('gone', BLOCK, BLOCK);
      await owner.collect();
      for (const page of [0, BLOCK]) owner.memory.setDirty(page * PAGE, MIGRATION);
    },
    owner: async (owner) => {
      const { ram } = owner.memory;
      const inVain = owner.collectInVain();
      await periodBegun();
      const unplugged = ram.unplug(owner.dimm);
      await inVain;
      await unplugged;
      owner.plug('next', BLOCK, BLOCK);
      owner.stage.note(0, await owner.collect());
    },
    readers: [
      (reader) => {
        reader.vcpu.quiescent();
        const refused = markAndStoreLate(reader, BLOCK, 1);
        reader.storeAndMark(0, 2);
        reader.note(refused ? 1 : 0);
      },
      () => {},
    ],
  }),
  'unplug-replug-against-late-mark': engineScenario({
    about: 'RAM takes the place of RAM that readers still mark, and is all dirty',
    pages: HALF,
    setUp: (owner) => {
      owner.dimm = owner.plug('gone', HALF, HALF);
      return owner.collect().then(() => undefined);
    },
    owner: async (owner) => {
      const unplugged = owner.memory.ram.unplug(owner.dimm);
      try {
        owner.plug('too early', HALF, HALF);
      } catch (error) {
        if (!(error as Error).message.includes('whose unplugging has not ended')) throw error;
        await unplugged;
        owner.plug('next', HALF, HALF);
      }
      await unplugged;
    },
    readers: [
      (reader) => {
        reader.storeAndMark(HALF, 1);
      },
      (reader) => {
        reader.storeAndMark(HALF + 1, 2);
        reader.vcpu.quiescent();
        reader.storeAndMark(0, 3);
      },
    ],
  }),
  'discard-populate-against-late-mark': engineScenario({
    about: 'a part of RAM is given back while readers still mark there, and is all dirty when it comes again',
    setUp: (owner) => owner.collect().then(() => undefined),
    owner: async (owner) => {
      const part = [HALF * PAGE, HALF * PAGE] as const;
      const discarded = owner.dimm.discard(...part);
      try {
        owner.dimm.populate(...part);
      } catch (error) {
        if (!(error as Error).message.includes('whose discarding has not ended')) throw error;
        await discarded;
        owner.dimm.populate(...part);
      }
      await discarded;
    },
    readers: [
      (reader) => {
        if (!reader.refuses(HALF)) reader.stage.guest.set(HALF, 1);
      },
      (reader) => {
        reader.storeAndMark(0, 3);
      },
    ],
  }),
  'discard-of-a-bitmap-block-against-harvest': engineScenario({
    about: 'a bitmap block goes with the RAM that is discarded in it, while a harvest has its bits in flight',
    pages: 2 * BLOCK,
    owner: async (owner) => {
      const harvested = owner.collect();
      const discarded = owner.dimm.discard(BLOCK * PAGE, BLOCK * PAGE);
      owner.stage.note(0, await harvested);
      await discarded;
      owner.dimm.populate(BLOCK * PAGE, BLOCK * PAGE);
    },
    readers: [
      (reader) => {
        reader.vcpu.quiescent();
        const refused = markAndStoreLate(reader, BLOCK, 1);
        reader.storeAndMark(0, 2);
        reader.note(refused ? 1 : 0);
      },
    ],
  }),
};
