/** A model of memory: it says which executions a litmus test has. */
import type { Event, Seen, Trace } from './event.js';
import type { Litmus } from './litmus.js';

/** In place of the write that a read reads from. */
export const INITIAL = -1;

export interface Execution {
  readonly litmus: Litmus;
  readonly threads: readonly { readonly name: string; readonly trace: Trace }[];
  /** By number: the threads' events one after the other. */
  readonly events: readonly Event[];
  /** The write that each read reads from, or INITIAL. */
  readonly from: readonly (number | undefined)[];
  /** What all threads have seen, and in `asleep`, how many sleep and are never woken. */
  readonly seen: Seen;
  /** @returns numbers of events, in an order in which memory may have had them */
  order(): number[];
}

export interface Model {
  readonly name: string;
  /** At least one execution of each outcome that the model allows. */
  executions(litmus: Litmus): Iterable<Execution>;
}
