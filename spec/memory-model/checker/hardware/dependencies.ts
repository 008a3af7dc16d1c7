/**
 * What depends on a read's value, as far as the program means it: had the read returned another value, and the reads
 * after it the same, then an access would have another address, or a write another value, or another event would have
 * come. A compiler may take away any other dependency, such as that of `x ^ x`, so no other is known here. It keeps
 * these, unless it knows what a read returns.
 *
 * Traces that a test discards are not compared, so a loop that waits for a value has no dependency on the value here.
 */
import type { Access, Event, Trace } from '../event.js';

/** By numbers of the thread's events. From a control dependency's event on, all later ones depend on the read too. */
export interface Dependency {
  readonly kind: 'address' | 'data' | 'control';
  readonly from: number;
  readonly to: number;
}

export function dependenciesOf(trace: Trace, ofThread: readonly Trace[]): Dependency[] {
  const found = new Map<string, Dependency>();
  const add = (kind: Dependency['kind'], from: number, to: number): void => {
    found.set(`${kind} ${from} ${to}`, { kind, from, to });
  };
  for (const other of ofThread) compare(trace.events, other.events, add);
  return [...found.values()];
}

function compare(
  events: readonly Event[],
  others: readonly Event[],
  add: (kind: Dependency['kind'], from: number, to: number) => void,
): void {
  const from = events.findIndex((event, i) => !isSame(event, others[i]));
  const one = events[from];
  const other = others[from];
  // A thread's events follow from what it has read, so the first difference is in a read.
  if (one === undefined || other === undefined || !isSameStep(one, other) || readOf(one) === readOf(other)) return;
  for (let to = from + 1; to < events.length; to++) {
    const event = events[to] as Event;
    const instead = others[to];
    if (instead === undefined || event.kind !== instead.kind || event.name !== instead.name) {
      add('control', from, to);
      return;
    }
    if (event.location !== instead.location) add('address', from, to);
    if (readOf(event) !== readOf(instead)) return;
    if (writtenOf(event) !== writtenOf(instead)) add('data', from, to);
  }
}

function isSame(event: Event, other: Event | undefined): boolean {
  return other !== undefined && isSameStep(event, other) && readOf(event) === readOf(other);
}

function isSameStep(event: Event, other: Event): boolean {
  return event.kind === other.kind && event.name === other.name && event.location === other.location;
}

function readOf(event: Event): number | undefined {
  return (event as Partial<Access>).read;
}

function writtenOf(event: Event): number | undefined {
  return (event as Partial<Access>).written;
}
