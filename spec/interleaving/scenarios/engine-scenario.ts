/** A scenario of one engine: an owner, and readers. */
import { Client } from '../../../lib/dirty/client.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineSetting, OwnerSide } from './owner-side.js';
import { ReaderSide } from './reader-side.js';

export interface EngineScenario extends Omit<EngineSetting, 'readers'> {
  readonly about: string;
  readonly mortal?: readonly number[];
  /** All RAM is clean for the migration client, and copied, unless this leaves it otherwise, or it is not tracked. */
  readonly setUp?: (owner: OwnerSide) => void | Promise<void>;
  readonly owner: (owner: OwnerSide) => void | Promise<void>;
  /** One for each reader's thread. A reader leaves with its thread. What they note is the outcome. */
  readonly readers: readonly ((reader: ReaderSide) => void)[];
  /** Readers that attach in the race, not before it. */
  readonly attachInRace?: readonly number[];
  /** How many may be attached at once. Default: all. */
  readonly slots?: number;
}

export function engineScenario(scenario: EngineScenario): Scenario {
  const { about, mortal = [], readers, attachInRace = [] } = scenario;
  return {
    about,
    mortal,
    threads: 1 + readers.length,
    part: (thread, stage) => {
      if (thread > 0) {
        let reader: ReaderSide;
        return {
          setUp: () => {
            reader = new ReaderSide(stage, thread);
            if (!attachInRace.includes(thread)) reader.attach();
          },
          race: () => {
            (readers[thread - 1] as (reader: ReaderSide) => void)(reader);
            reader.detach();
          },
        };
      }
      let owner: OwnerSide;
      return {
        setUp: async () => {
          owner = new OwnerSide(stage, { ...scenario, readers: scenario.slots ?? readers.length });
          if ((owner.memory.tracked & (1 << Client.Migration)) !== 0) await owner.collect();
          await scenario.setUp?.(owner);
        },
        race: () => scenario.owner(owner),
        check: async () => {
          await owner.check();
          return stage.notes(1 + readers.length);
        },
      };
    },
  };
}
