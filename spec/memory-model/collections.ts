/** One page, its bit, a vCPU that stores and marks, and an owner that collects: for the tests of dirty memory. */
import type { Seen } from './checker/event.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { BITS, DATA, FIRST, gracePeriod, LOCATIONS, mark, NUMBER, report, SLOT } from './protocols.js';

export const LAST = 2;

/** The page's last store is neither in the copy that a collection with the page in it made, nor will it be collected. */
export function isLost({ taken, copy, dirty }: Seen): boolean {
  const delivered = taken === 1 && copy === LAST;
  return !delivered && dirty === 0;
}

export type Step = (m: TracedWords) => void;
export const storeLast: Step = (m) => m.set(DATA, LAST);
export const markPage: Step = (m) => mark(m, BITS, 1);

/** One interval, and its report. */
export function vcpu(...steps: readonly Step[]): Thread {
  return (m) => {
    for (const step of steps) step(m);
    report(m);
  };
}

export function litmus(threads: Litmus['threads'], dirtyBefore: number) {
  const initial = new Map([
    [NUMBER, FIRST],
    [SLOT, FIRST],
    [BITS, dirtyBefore],
  ]);
  const afterwards: Thread = (m) => ({ dirty: m.load(BITS) });
  return { locations: LOCATIONS, initial, threads, afterwards };
}

export const harvest: Thread = (m) => {
  const taken = m.exchange(BITS, 0);
  gracePeriod(m, FIRST);
  return { taken, copy: m.get(DATA) };
};

export const orders: Readonly<Record<string, readonly Step[]>> = {
  'store first': [storeLast, markPage],
  'mark first': [markPage, storeLast],
};
