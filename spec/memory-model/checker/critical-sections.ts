/** The critical sections of `Atomics.wait` and `notify`: the orders that those of one list of waiters can have. */
import { permutations } from './combinatorics.js';
import type { Event, Section, Trace } from './event.js';

/** Of all sections. */
export interface SectionOrder {
  /** Pairs of events: the leave of a section, and the enter of a later one of the same list. */
  readonly edges: readonly (readonly [leave: number, enter: number])[];
  /** How many threads sleep and are not notified after they went to sleep. */
  readonly asleep: number;
}

/** @param events by number: those of `traces`, one after the other */
export function* sectionOrders(events: readonly Event[], traces: readonly Trace[]): Generator<SectionOrder> {
  const enters = [...events.keys()].filter((i) => events[i]?.kind === 'enter');
  const sections = enters.map((enter): [number, number] => [
    enter,
    events.findIndex(({ kind }, i) => i > enter && kind === 'leave'),
  ]);
  const sameList = (a: number, b: number): boolean => events[a]?.location === events[b]?.location;
  for (const order of permutations(sections)) {
    const edges = order.flatMap(([, leave], i) =>
      order
        .slice(i + 1)
        .filter(([enter]) => sameList(leave, enter))
        .map(([enter]) => [leave, enter] as const),
    );
    let asleep = 0;
    let end = 0;
    for (const trace of traces) {
      end += trace.events.length;
      if (!trace.asleep) continue;
      const own = order.findIndex(([, leave]) => leave === end - 1);
      const woken = order
        .slice(own + 1)
        .some(([enter]) => sameList(enter, end - 1) && (events[enter] as Section).name === 'notify');
      if (!woken) asleep++;
    }
    yield { edges, asleep };
  }
}
