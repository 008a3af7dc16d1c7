/**
 * The ECMAScript memory model: the valid executions of a litmus test, by brute force: every combination of the
 * threads' traces, every choice of a write for each read, every order of the critical sections of `wait` and `notify`;
 * of these candidates, those that have
 *
 * - a happens-before (agent-order, synchronizes-with and the order of critical sections, transitively) that is a strict
 *   partial order;
 * - valid chosen reads: a read returns what the write that it reads from wrote (by construction);
 * - coherent reads: a read reads from no write that it happens-before, and from none that another write to the location
 *   hides from it, after the one and before the other in happens-before;
 * - tear free reads: a read reads from one write (by construction: all ranges are equal);
 * - sequentially consistent atomics: a memory order exists (memory-order.ts).
 *
 * What is left out: accesses of unequal width, which the engine does not mix on words that threads share (DM-1);
 * WebAssembly, whose model is a document of its own; infinite executions, and with them that a seq-cst write is seen in
 * finite time; values out of thin air, which no chain of writes begins; the host's own synchronization (`postMessage`,
 * a thread's `exit`), but for what a test runs afterwards; and whether an implementation keeps to the model.
 */
import { combinations } from './combinatorics.js';
import { sectionOrders } from './critical-sections.js';
import type { Access, Event, Trace } from './event.js';
import type { Litmus } from './litmus.js';
import { memoryOrder } from './memory-order.js';
import { type Execution, INITIAL, type Model } from './model.js';
import { withoutPrivate } from './private-words.js';
import { Relation } from './relation.js';
import { tracesOf } from './traces.js';

export const ECMASCRIPT: Model = {
  name: 'ECMAScript',
  *executions(litmus) {
    const { names, of } = tracesOf(litmus);
    for (const traces of combinations(withoutPrivate(of, litmus))) {
      yield* new Candidate(litmus, names, traces).executions();
    }
  },
};

/** One combination of traces. */
class Candidate {
  private readonly litmus: Litmus;
  private readonly threads: { name: string; trace: Trace }[];
  private readonly events: Event[];
  private readonly accesses: (Access | undefined)[];
  private readonly from: (number | undefined)[];
  private readonly reads: number[];

  constructor(litmus: Litmus, names: readonly string[], traces: readonly Trace[]) {
    this.litmus = litmus;
    this.threads = names.map((name, i) => ({ name, trace: traces[i] as Trace }));
    this.events = traces.flatMap(({ events }) => events);
    this.accesses = this.events.map((event) => (event.kind === 'access' ? event : undefined));
    this.from = this.events.map(() => undefined);
    const reads = [...this.accesses.keys()].filter((i) => this.accesses[i]?.read !== undefined);
    // Happens-before follows from what the seq-cst reads read from; the others then have few choices left.
    const isPlain = (i: number): number => (this.accesses[i]?.order === 'unordered' ? 1 : 0);
    this.reads = reads.sort((a, b) => isPlain(a) - isPlain(b));
  }

  *executions(): Generator<Execution> {
    const choices = this.reads.map((read) => this.writesFor(read));
    if (choices.some(({ length }) => length === 0)) return;
    const order = this.agentOrder();
    const traces = this.threads.map(({ trace }) => trace);
    for (const { edges, asleep } of sectionOrders(this.events, traces)) {
      const ordered = order.clone();
      if (edges.every(([leave, enter]) => ordered.add(leave, enter))) yield* this.choose(0, choices, ordered, asleep);
    }
  }

  private *choose(at: number, choices: readonly number[][], order: Relation, asleep: number): Generator<Execution> {
    if (at === choices.length) {
      yield* this.judge(order, asleep);
      return;
    }
    const read = this.reads[at] as number;
    const plain = this.accesses[read]?.order === 'unordered';
    for (const write of choices[at] as number[]) {
      this.from[read] = write;
      if (plain) {
        if (this.isCoherent(read, write, order)) yield* this.choose(at + 1, choices, order, asleep);
      } else if (write === INITIAL || this.accesses[write]?.order === 'unordered') {
        yield* this.choose(at + 1, choices, order, asleep);
      } else {
        const synchronized = order.clone();
        if (synchronized.add(write, read)) yield* this.choose(at + 1, choices, synchronized, asleep);
      }
    }
  }

  private *judge(happensBefore: Relation, asleep: number): Generator<Execution> {
    for (const read of this.reads) if (!this.isCoherent(read, this.from[read] as number, happensBefore)) return;
    const order = memoryOrder(this.accesses, this.from, happensBefore);
    if (order === undefined) return;
    const { litmus, threads, events } = this;
    const seen = Object.assign({ asleep }, ...threads.map(({ trace }) => trace.seen));
    const atomics = (i: number): boolean => this.accesses[i]?.order === 'seq-cst';
    yield { litmus, threads, events, from: [...this.from], seen, order: () => order.linearize().filter(atomics) };
  }

  private isCoherent(read: number, write: number, happensBefore: Relation): boolean {
    if (write !== INITIAL && happensBefore.has(read, write)) return false;
    const { location } = this.accesses[read] as Access;
    return !this.accesses.some(
      (V, i) =>
        V?.written !== undefined &&
        V.location === location &&
        happensBefore.has(i, read) &&
        (write === INITIAL || happensBefore.has(write, i)),
    );
  }

  /** The writes that would give the read its value. */
  private writesFor(read: number): number[] {
    const { location, read: value } = this.accesses[read] as Access;
    const writes = [...this.accesses.keys()].filter((i) => {
      const W = this.accesses[i];
      return i !== read && W?.location === location && W.written === value;
    });
    if (value === (this.litmus.initial?.get(location) ?? 0)) writes.push(INITIAL);
    return writes;
  }

  private agentOrder(): Relation {
    const order = new Relation(this.events.length);
    let first = 0;
    for (const { name, trace } of this.threads) {
      const end = first + trace.events.length;
      for (let i = first + 1; i < end; i++) order.add(i - 1, i);
      if (name === 'afterwards' && first < end) for (let i = 0; i < first; i++) order.add(i, first);
      first = end;
    }
    return order;
  }
}
