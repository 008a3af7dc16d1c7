/** Known programs of a few accesses, whose outcomes say whether the checker itself is right. */
import type { Scenario, Stage } from '../checker/scenario.js';

/** @param bodies return what they observed */
function litmus(about: string, bodies: readonly ((stage: Stage) => number)[]): Scenario {
  return {
    about,
    threads: bodies.length,
    part: (thread, stage) => ({
      race: () => stage.note(thread, (bodies[thread] as (stage: Stage) => number)(stage)),
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
};
