/** What a thread of a litmus test does to shared memory: the memory model's events, and one thread's list of them. */

export type Order = 'seq-cst' | 'unordered';

/** All accesses are of one aligned 32-bit word, so any two have equal ranges or disjoint ones, and none tears. */
export interface Access {
  readonly kind: 'access';
  /** As in the source, for the witness. */
  readonly name: string;
  readonly location: number;
  readonly order: Order;
  /** `undefined` for a write. */
  readonly read: number | undefined;
  /** `undefined` for a read. Both are there for a read-modify-write. */
  readonly written: number | undefined;
}

/** `Atomics.wait` and `notify` run within a critical section of the location's list of waiters. */
export interface Section {
  readonly kind: 'enter' | 'leave';
  readonly name: 'wait' | 'notify';
  readonly location: number;
}

export type Event = Access | Section;

/** What a litmus test's thread has seen, by names of the test's choice. */
export type Seen = Readonly<Record<string, number>>;

/** One way that a thread can go, given what its reads return. */
export interface Trace {
  readonly events: readonly Event[];
  readonly seen: Seen;
  /** It ends in an `Atomics.wait` that goes to sleep. */
  readonly asleep: boolean;
}
