/** An engine that takes the place of another, against threads that come late to that one. */
import { Arena } from '../../../lib/arena/arena.js';
import { Slot, Slots, vacantOf } from '../../../lib/arena/layout.js';
import { UsageError } from '../../../lib/base/errors.js';
import { AtomicsKernel } from '../../../lib/bitmap/atomics-kernel.js';
import { Vcpu } from '../../../lib/dirty/vcpu.js';
import { Throttle } from '../../../lib/rate/throttle.js';
import type { Scenario } from '../checker/scenario.js';
import { OwnerSide } from './owner-side.js';
import { handleOf } from './reader-side.js';

const READERS = [1, 2];

export const replacingScenarios: Readonly<Record<string, Scenario>> = {
  'late-attach-against-create': {
    about:
      'threads that know a closed engine claim slots of it while another, with fewer slots, is created in its place',
    threads: 1 + READERS.length,
    part: (thread, stage) => {
      if (thread > 0) {
        let late: Arena;
        return {
          setUp: () => {
            late = Arena.attach('scenario', handleOf(stage.memory));
          },
          race: () => {
            stage.note(thread, 0);
            try {
              const vcpu = new Vcpu({
                arena: late,
                kernel: new AtomicsKernel(late.words),
                name: 'late',
                identity: thread,
                giveWay: false,
                governorOf: Throttle.of,
              });
              stage.note(thread, 1);
              vcpu.detach();
            } catch (error) {
              if (!(error instanceof UsageError)) throw error;
            }
          },
        };
      }
      let first: OwnerSide;
      let next: OwnerSide | undefined;
      /** Slots that are not vacant, and words of the all-zero block that are not zero. */
      const written = ({ memory }: OwnerSide): number[] => {
        const { words, engineId, regions } = Arena.attach('scenario', memory.handle);
        const identity = Slots.first + Slot.Identity;
        const zeroBlock = Array.from({ length: 16 }, (_, i) => regions.zeroBlock + i);
        const slots = words.load(identity) === vacantOf(engineId) ? [] : [identity];
        return [...slots, ...zeroBlock.filter((word) => words.load(word) !== 0)];
      };
      const look = (owner: OwnerSide): void => {
        const words = written(owner);
        if (words.length > 0) throw new Error(`a late thread wrote to words ${words} of the next engine`);
      };
      return {
        setUp: () => {
          first = new OwnerSide(stage, { readers: READERS.length });
        },
        race: async () => {
          next = undefined;
          await first.memory.close();
          try {
            next = new OwnerSide(stage, { readers: 1 });
          } catch (error) {
            if (!(error instanceof RangeError && error.message.includes('still attached'))) throw error;
          }
          if (next !== undefined) look(next);
        },
        check: async () => {
          const engine = next ?? new OwnerSide(stage, { readers: 1 });
          look(engine);
          await engine.check();
          return `${next === undefined ? 'refused' : 'created'}: ${stage.notes(1 + READERS.length)}`;
        },
      };
    },
  },
};
