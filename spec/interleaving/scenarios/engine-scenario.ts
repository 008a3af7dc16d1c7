/** A scenario of one engine: an owner, and readers. */
import { type Client, MIGRATION } from '../../../lib/dirty/client.js';
import type { Scenario } from '../checker/scenario.js';
import { type EngineSetting, OwnerSide } from './owner-side.js';
import { ReaderSide } from './reader-side.js';

export interface EngineScenario extends Omit<EngineSetting, 'readers'> {
  readonly about: string;
  readonly mortal?: readonly number[];
  /** Whose pages are collected and copied in the end, if they are tracked from the beginning. Default: MIGRATION. */
  readonly clients?: readonly Client[];
  /** All RAM is clean for those clients, and copied, unless this leaves it otherwise. */
  readonly setUp?: (owner: OwnerSide) => void | Promise<void>;
  readonly owner: (owner: OwnerSide) => void | Promise<void>;
  /** One for each reader's thread. A reader leaves with its thread. What they note is the outcome. */
  readonly readers: readonly ((reader: ReaderSide) => void)[];
  /** After the race, and after the last collections. @throws what is wrong with what was noted, the owner's first */
  readonly judge?: (notes: readonly number[], owner: OwnerSide) => void;
  /** Readers that attach in the race, not before it. */
  readonly attachInRace?: readonly number[];
  /** How many may be attached at once. Default: all. */
  readonly slots?: number;
}

export function engineScenario(scenario: EngineScenario): Scenario {
  const { about, mortal = [], clients = [MIGRATION], readers, attachInRace = [] } = scenario;
  return {
    about,
    mortal,
    threads: 1 + readers.length,
    part: (thread, stage) => {
      if (thread > 0) {
        let reader: ReaderSide;
        return {
          setUp: () => {
            reader = new ReaderSide(stage, thread, scenario.giveWay);
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
          for (const client of clients) {
            if ((owner.memory.tracked & client) !== 0) await owner.collect({}, client);
          }
          await scenario.setUp?.(owner);
          owner.delivered.clear();
        },
        race: () => scenario.owner(owner),
        check: async () => {
          await owner.check();
          const notes = stage.notes(1 + readers.length);
          scenario.judge?.(notes.split(',').map(Number), owner);
          return notes;
        },
      };
    },
  };
}
