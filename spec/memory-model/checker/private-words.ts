/**
 * Leaves out the words that only one thread accesses, or that nobody writes. Coherence alone says what a read of one
 * returns, the thread's last write or the initial value; traces in which it returns something else are in no valid
 * execution. No other thread's events are ordered by such accesses.
 */
import type { Event, Trace } from './event.js';

export function withoutPrivate(of: readonly (readonly Trace[])[], initial: (location: number) => number): Trace[][] {
  const accessors = new Map<number, Set<number>>();
  const written = new Set<number>();
  for (const [thread, traces] of of.entries()) {
    for (const event of traces.flatMap(({ events }) => events)) {
      const { location } = event;
      const threads = accessors.get(location) ?? new Set();
      accessors.set(location, threads.add(thread));
      if (event.kind === 'access') {
        if (event.written !== undefined) written.add(location);
      } else {
        // Lists of waiters are kept, whoever waits.
        written.add(location);
        threads.add(-1);
      }
    }
  }
  const isPrivate = ({ location }: Event): boolean => !written.has(location) || accessors.get(location)?.size === 1;
  return of.map((traces) =>
    traces
      .filter(({ events }) => readsItsOwn(events.filter(isPrivate), initial))
      .map((trace) => ({ ...trace, events: trace.events.filter((event) => !isPrivate(event)) })),
  );
}

function readsItsOwn(events: readonly Event[], initial: (location: number) => number): boolean {
  const values = new Map<number, number>();
  return events.every((event) => {
    if (event.kind !== 'access') return true;
    const { location, read, written } = event;
    if (read !== undefined && read !== (values.get(location) ?? initial(location))) return false;
    if (written !== undefined) values.set(location, written);
    return true;
  });
}
