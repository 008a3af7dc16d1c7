/** Known programs of a few accesses, whose outcomes say whether the checker itself is right. */
import type { Scenario, Stage } from '../checker/scenario.js';

/** @param bodies return what they observed */
function litmus(
  about: string,
  bodies: readonly ((stage: Stage) => number | Promise<number>)[],
  mortal: readonly number[] = [],
): Scenario {
  return {
    about,
    mortal,
    threads: bodies.length,
    part: (thread, stage) => ({
      race: () => {
        const note = (value: number): void => stage.note(thread, value);
        const result = bodies[thread]?.(stage) ?? 0;
        return result instanceof Promise ? result.then(note) : note(result);
      },
      check: () => stage.notes(bodies.length),
    }),
  };
}

export const litmusScenarios: Readonly<Record<string, Scenario>> = {
  'store-buffering': litmus('each thread stores to its word, and loads the other one', [
    ({ guest }) => {
      guest.set(0, 1);
      return guest.load(1);
    },
    ({ guest }) => {
      guest.set(1, 1);
      return guest.load(0);
    },
  ]),
  'store-buffering-atomic': litmus('the same with atomic stores', [
    ({ guest }) => {
      guest.store(0, 1);
      return guest.load(1);
    },
    ({ guest }) => {
      guest.store(1, 1);
      return guest.load(0);
    },
  ]),
  'message-passing': litmus('data, then a flag, by plain stores; read in the other order', [
    ({ guest }) => {
      guest.set(0, 1);
      guest.set(1, 1);
      return 0;
    },
    ({ guest }) => guest.get(1) * 10 + guest.get(0),
  ]),
  'own-store-forwarded': litmus('a thread sees its own buffered store', [
    ({ guest }) => {
      guest.set(0, 1);
      return guest.get(0) * 10 + guest.get(1);
    },
    ({ guest }) => {
      guest.set(1, 1);
      return guest.get(1) * 10 + guest.get(0);
    },
  ]),
  counters: litmus('two threads add two each, by load and store', [
    ({ guest }) => {
      guest.store(0, guest.load(0) + 1);
      guest.store(0, guest.load(0) + 1);
      return guest.load(0);
    },
    ({ guest }) => {
      guest.store(0, guest.load(0) + 1);
      guest.store(0, guest.load(0) + 1);
      return guest.load(0);
    },
  ]),
  'store-buffering-loads': litmus('store buffering with an atomic load of the own word between', [
    ({ guest }) => {
      guest.set(0, 1);
      guest.load(0);
      return guest.load(1);
    },
    ({ guest }) => {
      guest.set(1, 1);
      guest.load(1);
      return guest.load(0);
    },
  ]),
  apart: litmus('two threads with a word of their own each', [
    ({ guest }) => {
      guest.add(0, 1);
      guest.add(0, 1);
      return guest.load(0);
    },
    ({ guest }) => {
      guest.add(1, 1);
      guest.add(1, 1);
      return guest.load(1);
    },
  ]),
  'rarely-shared': litmus('a thread stores to a word only when it comes between five pairs of accesses', [
    ({ guest }) => {
      for (let i = 0; i < 5; i++) {
        guest.store(0, i + 1);
        guest.store(0, 0);
      }
      return guest.load(8);
    },
    ({ guest }) => {
      let seen = 0;
      for (let i = 0; i < 5; i++) if (guest.load(0) === i + 1) seen++;
      if (seen === 5) guest.store(8, 1);
      return seen;
    },
  ]),
  deadlock: litmus('each thread waits for what the other would do next', [
    ({ guest, scheduler }) => {
      scheduler.spin(() => guest.load(1) === 1);
      guest.store(0, 1);
      return 0;
    },
    ({ guest, scheduler }) => {
      scheduler.spin(() => guest.load(0) === 1);
      guest.store(1, 1);
      return 0;
    },
  ]),
  'wait-and-notify': litmus('a thread waits for a word that another changes, and notifies', [
    ({ guest }) => {
      guest.store(0, 1);
      guest.notify(0);
      return 0;
    },
    ({ guest }) => {
      guest.wait(0, 0, 1000);
      return guest.load(0);
    },
  ]),
  death: litmus(
    'a thread adds three times, unless it dies; the other one hears of its end',
    [
      async (stage) => {
        await new Promise<void>((resolve) => {
          const look = (): void => {
            if (stage.hasEnded(1)) resolve();
            else setImmediate(look);
          };
          look();
        });
        return stage.guest.load(0);
      },
      ({ guest }) => {
        for (let i = 0; i < 3; i++) guest.add(0, 1);
        return 0;
      },
    ],
    [1],
  ),
};
