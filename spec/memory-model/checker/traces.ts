/** All traces of a litmus test's threads: every way that each can go, whatever its reads return. */

import type { Event, Trace } from './event.js';
import type { Litmus, Thread } from './litmus.js';
import { Asleep, Discarded, TracedWords } from './traced-words.js';

/** Threads by name, in the order of the test; the one that runs afterwards is the last. */
export interface Traces {
  readonly names: readonly string[];
  readonly of: readonly (readonly Trace[])[];
}

/** Of tests that several models judge. */
const known = new WeakMap<Litmus, Traces>();

export function tracesOf(litmus: Litmus): Traces {
  const traces = known.get(litmus) ?? findTraces(litmus);
  known.set(litmus, traces);
  return traces;
}

/**
 * The values that a read may return are found by running the threads again with those that they wrote, until there are
 * no new ones. A chain of `add`s would go on for ever; one in an execution has no more links than it has events.
 */
function findTraces(litmus: Litmus): Traces {
  const threads = Object.entries(litmus.threads);
  if (litmus.afterwards !== undefined) threads.push(['afterwards', litmus.afterwards]);
  const domains = new Map<number, number[]>();
  const initial = (location: number): number => litmus.initial?.get(location) ?? 0;
  let grown: boolean;
  const learn = (event: Event): void => {
    if (event.kind !== 'access' || event.written === undefined) return;
    const domain = domains.get(event.location) ?? [initial(event.location)];
    if (domain.includes(event.written)) return;
    domains.set(event.location, [...domain, event.written]);
    grown = true;
  };
  for (let round = 0; ; round++) {
    grown = false;
    const known = new Map(domains);
    const of = threads.map(([, thread]) => {
      return runAll(thread, (location) => known.get(location) ?? [initial(location)], learn);
    });
    if (!grown || round >= (litmus.longestChain ?? eventsOfOne(of))) {
      return { names: threads.map(([name]) => name), of };
    }
  }
}

/** How many events an execution has at most. */
function eventsOfOne(of: readonly (readonly Trace[])[]): number {
  return of.reduce((sum, traces) => sum + Math.max(0, ...traces.map(({ events }) => events.length)), 0);
}

/** @param learn told every event, also those of traces that are discarded */
function runAll(
  thread: Thread,
  domainOf: (location: number) => readonly number[],
  learn: (event: Event) => void,
): Trace[] {
  const traces: Trace[] = [];
  for (let script: number[] | undefined = []; script !== undefined; ) {
    const words = new TracedWords(script, domainOf);
    const trace = runOnce(thread, words);
    if (trace !== undefined) traces.push(trace);
    words.events.forEach(learn);
    script = nextScript(words);
  }
  return traces;
}

function runOnce(thread: Thread, words: TracedWords): Trace | undefined {
  try {
    return { seen: thread(words) ?? {}, events: words.events, asleep: false };
  } catch (error) {
    if (error instanceof Asleep) return { seen: {}, events: words.events, asleep: true };
    if (error instanceof Discarded) return undefined;
    throw error;
  }
}

/** The next in order, depth first; undefined after the last. */
function nextScript({ script, widths }: TracedWords): number[] | undefined {
  const next = script.slice(0, widths.length);
  while (next.length > 0) {
    const choice = (next.pop() as number) + 1;
    if (choice < (widths[next.length] as number)) return [...next, choice];
  }
  return undefined;
}
