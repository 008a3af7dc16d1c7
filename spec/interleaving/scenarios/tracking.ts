/** Marks against tracking that begins and ends. */
import { UsageError } from '../../../lib/base/errors.js';
import { MIGRATION, VGA } from '../../../lib/dirty/client.js';
import type { Tracking } from '../../../lib/tracking.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineScenario, engineScenario } from './engine-scenario.js';
import type { OwnerSide } from './owner-side.js';
import type { ReaderSide } from './reader-side.js';

const onDemand: Pick<EngineScenario, 'tracked' | 'readers'> = {
  // Whose bits are all set, so that a mark that leaves MIGRATION out finds nothing to do.
  tracked: VGA,
  readers: [
    (reader: ReaderSide) => {
      // One report that the beginning waits for, and one that the harvest waits for.
      reader.vcpu.quiescent();
      reader.vcpu.quiescent();
      // The second mark of an interval is the first by the fast path.
      reader.storeAndMarkAll(1, 2);
      reader.storeAndMarkAll(0, 3);
    },
    (reader: ReaderSide) => {
      reader.storeAndMarkAll(2, 4);
    },
  ],
};

function begin({ memory }: OwnerSide): Promise<Tracking> {
  return memory.track(MIGRATION);
}

export const trackingScenarios: Readonly<Record<string, Scenario>> = {
  'marks-against-track': engineScenario({
    about: 'readers store and mark while tracking begins and the owner harvests',
    ...onDemand,
    owner: async (owner) => {
      const tracking = await begin(owner);
      owner.stage.note(0, await owner.collect({}, tracking));
    },
  }),
  'harvests-against-stop-and-track': engineScenario({
    about: 'tracking ends behind a harvest, and before another one, which is refused; it begins again',
    ...onDemand,
    setUp: async (owner) => {
      owner.tracking = await begin(owner);
      await owner.collect({}, owner.tracking);
      owner.memory.setDirty(0, MIGRATION);
    },
    owner: async (owner) => {
      const tracking = owner.tracking as Tracking;
      const first = owner.collect({}, tracking);
      const stopped = owner.stop(tracking);
      const second = owner.collect({}, tracking).then(
        () => false,
        (error) => error instanceof UsageError && error.message.includes('is not tracked'),
      );
      await first;
      owner.stage.note(0, (await second) ? 1 : 0);
      await stopped;
      await owner.collect({}, await begin(owner));
    },
    readers: [
      (reader) => {
        reader.storeAndMarkAll(0, 1);
        reader.vcpu.quiescent();
        reader.storeAndMarkAll(1, 2);
      },
    ],
    judge: ([refused]) => {
      if (refused !== 1) throw new Error('a collection of a client that is not tracked was taken');
    },
  }),
  'marks-against-stop-and-track': engineScenario({
    about: 'readers store and mark while tracking ends, and begins again in the same memory',
    ...onDemand,
    setUp: async (owner) => {
      owner.tracking = await begin(owner);
      await owner.collect({}, owner.tracking);
    },
    owner: async (owner) => {
      await owner.stop(owner.tracking as Tracking);
      owner.stage.note(0, await owner.collect({}, await begin(owner)));
    },
  }),
};
