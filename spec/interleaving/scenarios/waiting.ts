/** Grace periods against readers that report, come, go and die. */
import { Slot } from '../../../lib/arena/layout.js';
import { MIGRATION } from '../../../lib/dirty/client.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineScenario, engineScenario } from './engine-scenario.js';
import { BLOCK, type OwnerSide } from './owner-side.js';
import type { ReaderSide } from './reader-side.js';

/** Guest words: a pointer, what it points to, and what threads tell each other. */
const POINTER = 512;
const OBJECT = 528;
const LEFT = 544;
const STOP = 560;

const extendAndWait = async (owner: OwnerSide): Promise<void> => {
  owner.plug('more', BLOCK);
  await owner.memory.rcu.synchronize();
};

/** Follows the pointer, does `between`, and uses what it points to in the same interval. */
function useObject(reader: ReaderSide, between: () => void = () => {}): void {
  const { guest } = reader.stage;
  const linked = guest.load(POINTER) === 1;
  reader.note(linked ? 1 : 0);
  between();
  if (linked && guest.get(OBJECT) !== 1) throw new Error('the object was freed in the interval that uses it');
}

const callbacks: Pick<EngineScenario, 'setUp' | 'owner'> = {
  setUp: ({ stage: { guest } }) => {
    guest.set(POINTER, 1);
    guest.set(OBJECT, 1);
  },
  owner: async ({ memory: { rcu }, stage: { guest } }) => {
    let freed = false;
    guest.store(POINTER, 0);
    rcu.callRcu(() => {
      guest.set(OBJECT, 0);
      freed = true;
    });
    await rcu.barrier();
    if (!freed) throw new Error('the barrier did not wait for the callback');
  },
};

/** Goes on until it is kicked, or told to stop. @returns whether it was kicked */
function untilKicked({ vcpu, stage: { guest, scheduler } }: ReaderSide): boolean {
  scheduler.spin(() => vcpu.kicked || guest.load(STOP) === 1);
  return vcpu.kicked;
}

/** Ends its interval when it is kicked. @throws when that reports nothing, since nobody has asked for more */
function obeyKick(reader: ReaderSide): void {
  const { vcpu, stage } = reader;
  if (!untilKicked(reader)) return;
  const state = vcpu.slot + Slot.State;
  const before = stage.scheduler.memory.get(state);
  vcpu.quiescent();
  if (stage.scheduler.memory.get(state) === before) throw new Error('the kick was for a report that was made before');
}

/** @throws when the reader's slot is another's, too */
function checkSlot({ vcpu: { slot, identity }, stage: { scheduler } }: ReaderSide): void {
  const tenant = scheduler.memory.get(slot + Slot.Identity);
  if (tenant !== identity + 1) throw new Error(`the slot of thread ${identity} was taken by ${tenant - 1}`);
}

/** Marks where the engine may be closed; where it is known to be, the mark must be refused. */
function markClosed(reader: ReaderSide): void {
  const closed = reader.stage.guest.load(STOP) === 1;
  reader.vcpu.quiescent();
  const refused = reader.isRefused(() => reader.vcpu.markPage(0, MIGRATION));
  reader.note(closed ? 2 : refused ? 1 : 0);
  if (closed && !refused) throw new Error('the mark was taken though the engine is closed');
}

export const waitingScenarios: Readonly<Record<string, Scenario>> = {
  'offline-online-against-synchronize': engineScenario({
    about: 'a reader goes offline and comes back while a table is replaced',
    owner: extendAndWait,
    readers: [
      (reader) => {
        reader.vcpu.goOffline();
        if (!reader.isRefused(() => reader.vcpu.markPage(0, MIGRATION))) throw new Error('a mark was taken offline');
        reader.vcpu.goOnline();
        reader.storeAndMark(0, 1);
      },
      (reader) => {
        reader.storeAndMark(1, 2);
      },
    ],
  }),
  'attach-detach-against-synchronize': engineScenario({
    about: 'a reader attaches, marks and detaches, and another marks, while a table is replaced',
    attachInRace: [1],
    owner: extendAndWait,
    readers: [
      (reader) => {
        reader.attach();
        reader.storeAndMark(0, 1);
      },
      (reader) => {
        reader.storeAndMark(1, 2);
      },
    ],
  }),
  'attach-against-attach': engineScenario({
    about: 'two readers attach at once, each in a slot of its own',
    attachInRace: [1, 2],
    owner: async ({ memory }) => memory.rcu.synchronize(),
    readers: [
      (reader) => {
        reader.attach();
        reader.note(reader.vcpu.slot);
        checkSlot(reader);
      },
      (reader) => {
        reader.attach();
        reader.note(reader.vcpu.slot);
        checkSlot(reader);
      },
    ],
  }),
  'blocking-wait-against-reports': engineScenario({
    about: 'the owner blocks until the readers have reported',
    owner: ({ memory }) => memory.rcu.synchronizeBlocking(),
    readers: [() => {}, () => {}],
  }),
  'callback-against-barrier': engineScenario({
    about: 'a callback frees what readers may be using, and a barrier waits for it',
    ...callbacks,
    readers: [
      (reader) => {
        useObject(reader);
        reader.vcpu.quiescent();
        useObject(reader);
      },
      (reader) => {
        useObject(reader);
      },
    ],
  }),
  'callback-against-sections': engineScenario({
    about: 'the same with readers in read-side sections, in which nothing can be reported',
    ...callbacks,
    readers: [
      (reader) => {
        reader.vcpu.readLock();
        useObject(reader, () => reader.isRefused(() => reader.vcpu.quiescent()));
        reader.vcpu.readUnlock();
      },
      (reader) => {
        useObject(reader);
      },
    ],
  }),
  'kick-against-online': engineScenario({
    about: 'a reader attaches, and goes on until the owner kicks it, each time to report what it has not reported yet',
    attachInRace: [1],
    owner: async (owner) => {
      await owner.synchronizeKicking();
      owner.memory.rcu.startPoll();
      await owner.synchronizeKicking();
      owner.stage.guest.store(STOP, 1);
    },
    readers: [
      (reader) => {
        reader.attach();
        obeyKick(reader);
        reader.vcpu.quiescent();
        obeyKick(reader);
      },
    ],
  }),
  'close-against-marks': engineScenario({
    about: 'the engine is closed while readers mark; from their next reports on they are refused',
    owner: async (owner) => {
      await owner.close();
      owner.stage.guest.store(STOP, 1);
    },
    readers: [
      (reader) => {
        // One report that closing waits for, and one that may come while it ends.
        reader.vcpu.quiescent();
        reader.vcpu.quiescent();
        markClosed(reader);
      },
    ],
  }),
  'death-against-collecting': engineScenario({
    about: 'a reader dies at any of its accesses, and is retired when its thread has ended',
    mortal: [1],
    setUp: ({ memory }) => {
      memory.setDirty(0, MIGRATION);
    },
    owner: async (owner) => {
      owner.supervise(1);
      owner.stage.note(0, await owner.collect());
    },
    readers: [
      (reader) => {
        reader.markAndStore(0, 1);
        reader.vcpu.quiescent();
        reader.markAndStore(1, 2);
      },
      () => {},
    ],
  }),
  'death-against-extend': engineScenario({
    about: 'the same while a table is replaced',
    mortal: [1],
    owner: async (owner) => {
      await owner.supervise(1).terminate();
      await extendAndWait(owner);
    },
    readers: [
      (reader) => {
        reader.markAndStore(0, 1);
      },
      () => {},
    ],
  }),
  'retirement-against-next-tenant': engineScenario({
    about: "a thread ends after another has taken the slot that was its reader's",
    attachInRace: [1, 2],
    slots: 1,
    owner: async (owner) => {
      owner.supervise(1);
      owner.supervise(2);
      await owner.ended(1);
      await extendAndWait(owner);
    },
    readers: [
      (reader) => {
        reader.attach();
        reader.storeAndMark(0, 1);
        reader.detach();
        reader.stage.guest.store(LEFT, 1);
      },
      (reader) => {
        reader.stage.scheduler.spin(() => reader.stage.guest.load(LEFT) === 1);
        reader.attach();
        reader.storeAndMark(1, 2);
      },
    ],
  }),
};
