/**
 * The valid executions of a litmus test under the ECMAScript memory model, by brute force: every combination of the
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
 * finite time; values out of thin air, which no chain of writes begins; the host's own synchronization (`postMessage`, a
 * thread's `exit`), but for what a test runs afterwards; and whether an implementation keeps to the model.
 */
import type { Access, Event, Section, Seen, Trace } from './event.js';
import type { Litmus } from './litmus.js';
import { INITIAL, memoryOrder } from './memory-order.js';
import { Relation } from './relation.js';
import { tracesOf } from './traces.js';

export interface Execution {
  readonly litmus: Litmus;
  readonly threads: readonly { readonly name: string; readonly trace: Trace }[];
  /** By number: the threads' events one after the other. */
  readonly events: readonly Event[];
  /** The write that each read reads from, or INITIAL. */
  readonly from: readonly (number | undefined)[];
  readonly happensBefore: Relation;
  readonly memoryOrder: Relation;
  /** What all threads have seen, and in `asleep`, how many sleep and are never woken. */
  readonly seen: Seen;
}

export function* validExecutions(litmus: Litmus): Generator<Execution> {
  const { names, of } = tracesOf(litmus);
  for (const traces of combinations(of)) {
    const candidate = new Candidate(litmus, names, traces);
    yield* candidate.executions();
  }
}

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
    for (const sections of permutations(this.sections())) {
      const ordered = order.clone();
      const consistent = sections.every(([, leave], i) =>
        sections.slice(i + 1).every(([enter]) => !this.sameList(leave, enter) || ordered.add(leave, enter)),
      );
      if (consistent) yield* this.choose(0, choices, ordered, this.sleepers(sections));
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
    yield { litmus, threads, events, from: [...this.from], happensBefore, memoryOrder: order, seen };
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

  /** Pairs of events: each critical section's enter and leave. */
  private sections(): [enter: number, leave: number][] {
    const enters = [...this.events.keys()].filter((i) => this.events[i]?.kind === 'enter');
    return enters.map((enter) => [enter, this.events.findIndex(({ kind }, i) => i > enter && kind === 'leave')]);
  }

  private sameList(a: number, b: number): boolean {
    return this.events[a]?.location === this.events[b]?.location;
  }

  /** How many threads sleep and are not notified after they went to sleep. */
  private sleepers(sections: readonly [number, number][]): number {
    let sleepers = 0;
    let end = 0;
    for (const { trace } of this.threads) {
      end += trace.events.length;
      if (!trace.asleep) continue;
      const own = sections.findIndex(([, leave]) => leave === end - 1);
      const woken = sections
        .slice(own + 1)
        .some(([enter]) => this.sameList(enter, end - 1) && (this.events[enter] as Section).name === 'notify');
      if (!woken) sleepers++;
    }
    return sleepers;
  }
}

function* combinations<T>(of: readonly (readonly T[])[]): Generator<T[]> {
  const [first, ...rest] = of;
  if (first === undefined) yield [];
  else for (const one of first) for (const others of combinations(rest)) yield [one, ...others];
}

function* permutations<T>(of: readonly T[]): Generator<T[]> {
  if (of.length === 0) yield [];
  for (const [i, one] of of.entries()) {
    for (const others of permutations([...of.slice(0, i), ...of.slice(i + 1)])) yield [one, ...others];
  }
}
