/** Readers that give way to grace periods, against all that may happen meanwhile. */
import { MIGRATION } from '../../../lib/dirty/client.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineScenario, engineScenario } from './engine-scenario.js';
import type { ReaderSide } from './reader-side.js';

/** A guest word: the engine is closed. */
const CLOSED = 512;

const blocking: Pick<EngineScenario, 'giveWay' | 'owner'> = {
  giveWay: true,
  owner: ({ memory }) => memory.rcu.synchronizeBlocking(),
};

/** Two states in each of which it may be asked. */
const reportTwice = ({ vcpu }: ReaderSide): void => {
  vcpu.quiescent();
  vcpu.quiescent();
};

export const givingWayScenarios: Readonly<Record<string, Scenario>> = {
  'giving-way-against-blocking-wait': engineScenario({
    about: 'readers give way to a period for whose readers the owner sleeps, one after another',
    ...blocking,
    readers: [reportTwice, reportTwice],
  }),
  'giving-way-to-a-late-owner': engineScenario({
    about: 'the reader that the owner sleeps for has woken it, runs on, and gives way to it before it has woken up',
    ...blocking,
    readers: [
      ({ vcpu }) => {
        vcpu.quiescent();
        for (const from = performance.now(); performance.now() < from + 0.1; );
        vcpu.quiescent();
      },
    ],
  }),
  'giving-way-against-periods': engineScenario({
    about: 'a reader gives way while a period ends, and the next begins for which nobody is asked',
    giveWay: true,
    owner: ({ memory: { rcu } }) => {
      rcu.synchronizeBlocking();
      rcu.startPoll();
    },
    readers: [reportTwice, () => {}],
  }),
  'giving-way-against-harvest': engineScenario({
    about: 'readers that give way store and mark, before and after, while the owner harvests',
    giveWay: true,
    setUp: ({ memory }) => {
      memory.setDirtyRange(0, 32, MIGRATION);
    },
    owner: async (owner) => {
      owner.stage.note(0, await owner.collect());
    },
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
        reader.vcpu.quiescent();
        reader.storeAndMark(1, 2);
      },
      () => {},
    ],
  }),
  'giving-way-against-sections': engineScenario({
    about: 'a reader that is asked to give way is in a section, in which it marks and stores',
    giveWay: true,
    setUp: ({ memory }) => {
      memory.setDirty(0, MIGRATION);
    },
    owner: async (owner) => {
      owner.stage.note(0, await owner.collect());
    },
    readers: [
      () => {},
      (reader) => {
        const { vcpu } = reader;
        vcpu.readLock();
        reader.markWithoutStore(0);
        reader.isRefused(() => vcpu.quiescent());
        reader.stage.guest.set(0, 1);
        vcpu.readUnlock();
        vcpu.quiescent();
      },
    ],
  }),
  'giving-way-against-harvest-given-up': engineScenario({
    about: 'a reader gives way to the period of a harvest that is given up',
    giveWay: true,
    setUp: ({ memory }) => {
      memory.setDirty(0, MIGRATION);
    },
    owner: async (owner) => {
      await owner.collectInVain();
      owner.stage.note(0, await owner.collect());
    },
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
        reader.vcpu.quiescent();
        reader.vcpu.quiescent();
      },
    ],
  }),
  'giving-way-against-limit': engineScenario({
    about: 'a reader gives way, and is ahead of its limit, while the limit is lifted',
    giveWay: true,
    setUp: ({ memory }) => {
      memory.limitDirtyRate(1);
    },
    owner: ({ memory }) => {
      memory.limitDirtyRate(undefined);
      memory.rcu.synchronizeBlocking();
    },
    readers: [
      (reader) => {
        reader.storeAndMark(0, 1);
        reader.vcpu.quiescent();
      },
      () => {},
    ],
  }),
  'giving-way-against-death': engineScenario({
    about: 'a reader dies at any of its accesses, as when it gives way, or is the one that the owner sleeps for',
    giveWay: true,
    mortal: [1],
    owner: async (owner) => {
      owner.supervise(1);
      await owner.memory.rcu.synchronize();
    },
    readers: [
      (reader) => {
        reader.vcpu.quiescent();
      },
      (reader) => {
        reader.vcpu.quiescent();
      },
    ],
  }),
  'giving-way-against-close': engineScenario({
    about: 'readers give way while the engine is closed, and come back to one that is',
    giveWay: true,
    owner: async (owner) => {
      await owner.close();
      owner.stage.guest.store(CLOSED, 1);
    },
    readers: [
      (reader) => {
        reader.vcpu.quiescent();
        const closed = reader.stage.guest.load(CLOSED) === 1;
        reader.vcpu.quiescent();
        const refused = reader.isRefused(() => reader.vcpu.markPage(0, MIGRATION));
        reader.note(closed ? 2 : refused ? 1 : 0);
        if (closed && !refused) throw new Error('the mark was taken though the engine is closed');
      },
    ],
  }),
};
