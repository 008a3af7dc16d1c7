/**
 * Leaves out the words that only one thread accesses, or that nobody writes. Coherence alone says what a read of one
 * returns, the thread's last write or the initial value; traces in which it returns something else are in no valid
 * execution. By the language no other accesses are ordered by such ones. On a processor they are, where the access is
 * atomic: `keepAtomics` then leaves it in.
 */
import type { Event, Trace } from './event.js';
import type { Litmus } from './litmus.js';

export function withoutPrivate(of: readonly (readonly Trace[])[], litmus: Litmus, keepAtomics = false): Trace[][] {
  const initial = (location: number): number => litmus.initial?.get(location) ?? 0;
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
  const isKept = (event: Event): boolean =>
    !isPrivate(event) || (keepAtomics && event.kind === 'access' && event.order === 'seq-cst');
  return of.map((traces) =>
    traces
      .filter(({ events }) => readsItsOwn(events.filter(isPrivate), initial))
      .map((trace) => ({ ...trace, events: trace.events.filter(isKept) })),
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
