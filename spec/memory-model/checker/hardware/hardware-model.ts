/**
 * The executions that a processor allows of the instructions that an engine makes, by axioms: every combination of the
 * threads' traces and every order of critical sections, for which there is one way for each word to go (coherence.ts)
 * such that all of these together are acyclic:
 *
 * - what the processor keeps in order within a thread (architectures.ts), and with `dependencies`, what depends on what
 *   (dependencies.ts);
 * - what the ways say of instructions of different threads: a write is before the reads that read from it and before
 *   the writes that follow it, and a read before the writes that replace what it has read;
 * - the order of critical sections.
 *
 * What is left out: accesses of unequal width, and with them the wide accesses of the WebAssembly kernel; what
 * compilers reorder, merge or leave out; infinite executions, so that a store is seen in finite time; and, without
 * `dependencies`, everything that they order, so that more is allowed than a processor does.
 */
import { combinations } from '../combinatorics.js';
import { sectionOrders } from '../critical-sections.js';
import type { Trace } from '../event.js';
import type { Litmus } from '../litmus.js';
import { type Execution, INITIAL, type Model } from '../model.js';
import { withoutPrivate } from '../private-words.js';
import { Relation } from '../relation.js';
import { tracesOf } from '../traces.js';
import type { Architecture } from './architectures.js';
import { type Way, waysOf } from './coherence.js';
import type { Mapping } from './mappings.js';
import { type Code, codeOf, Program } from './program.js';

export interface HardwareModel extends Model {
  readonly mapping: Mapping;
}

export function hardwareModel(mapping: Mapping, dependencies = false): HardwareModel {
  return {
    name: `${mapping.name}${dependencies ? ', with dependencies' : ''}`,
    mapping,
    *executions(litmus) {
      const { names, of } = tracesOf(litmus);
      const codes = withoutPrivate(of, litmus, true).map((traces, thread) =>
        traces.map((trace) => codeOf(mapping, trace, thread, dependencies ? traces : [])),
      );
      for (const chosen of combinations(codes)) yield* new Candidate(litmus, names, chosen, mapping).executions();
    },
  };
}

/** One combination of traces. */
class Candidate {
  private readonly litmus: Litmus;
  private readonly threads: Execution['threads'];
  private readonly traces: readonly Trace[];
  private readonly program: Program;
  private readonly architecture: Architecture;
  /** Number of the thread that runs when all others have ended; -1 if there is none. */
  private readonly joined: number;

  constructor(litmus: Litmus, names: readonly string[], codes: readonly Code[], { architecture }: Mapping) {
    this.litmus = litmus;
    this.traces = codes.map(({ trace }) => trace);
    this.threads = codes.map(({ trace }, i) => ({ name: names[i] as string, trace }));
    this.program = new Program(codes);
    this.architecture = architecture;
    this.joined = names.indexOf('afterwards');
  }

  /** One for each order of critical sections that has any. */
  *executions(): Generator<Execution> {
    if (!this.isEachReadWritten()) return;
    const ways = this.waysOfWords();
    const order = ways && this.orderWithinThreads();
    if (order === undefined) return;
    const events = this.traces.flatMap((trace) => trace.events);
    for (const { edges, asleep } of sectionOrders(events, this.traces)) {
      const ordered = order.clone();
      const { program } = this;
      if (!edges.every(([leave, enter]) => ordered.add(program.partOf(leave), program.partOf(enter)))) continue;
      const found = this.choose(ways as Way[][], 0, ordered);
      if (found !== undefined) yield this.describe(events, found.order, found.from, asleep);
    }
  }

  /** Whether each value that is read is there at first or written: few combinations pass. */
  private isEachReadWritten(): boolean {
    const { instructions } = this.program;
    return instructions.every(({ kind, location, value }) => {
      if (kind !== 'read' || value === undefined || value === this.initial(location)) return true;
      return instructions.some(
        (other) => other.kind === 'write' && other.location === location && other.value === value,
      );
    });
  }

  private initial(location: number): number {
    return this.litmus.initial?.get(location) ?? 0;
  }

  /** @returns undefined if some word has none */
  private waysOfWords(): Way[][] | undefined {
    const accesses = new Map<number, number[]>();
    for (const [i, { kind, location }] of this.program.instructions.entries()) {
      if (kind !== 'read' && kind !== 'write') continue;
      const ofWord = accesses.get(location) ?? [];
      accesses.set(location, ofWord);
      ofWord.push(i);
    }
    const ways: Way[][] = [];
    for (const [location, ofWord] of [...accesses].sort(([, a], [, b]) => a.length - b.length)) {
      const found = waysOf(this.program, ofWord, this.initial(location), this.joined, this.architecture);
      if (found.length === 0) return undefined;
      ways.push(found);
    }
    return ways.sort((a, b) => a.length - b.length);
  }

  /** @returns undefined if that alone goes in circles */
  private orderWithinThreads(): Relation | undefined {
    const { instructions, dependent } = this.program;
    const order = new Relation(instructions.length);
    let acyclic = true;
    const add = (a: number, b: number): void => {
      acyclic &&= order.add(a, b);
    };
    for (const [i, a] of instructions.entries()) {
      for (let j = i + 1; j < instructions.length; j++) {
        if (this.program.at(j).thread === a.thread && this.isKept(i, j)) add(i, j);
      }
    }
    for (const [read, target] of [...dependent.address, ...dependent.data]) add(read, target);
    const allWrites = (read: number, from: number): void => {
      const { thread } = this.program.at(read);
      for (let i = from; instructions[i]?.thread === thread; i++) if (instructions[i]?.kind === 'write') add(read, i);
    };
    for (const [read, first] of dependent.control) allWrites(read, first);
    for (const [read, access] of dependent.address) allWrites(read, access + 1);
    return acyclic ? order : undefined;
  }

  private isKept(i: number, j: number): boolean {
    const a = this.program.at(i);
    if (this.architecture.keepsOrder(a, this.program.at(j))) return true;
    return this.architecture.singlesAreBarriers && this.hasSingleBetween(i, j);
  }

  /** An instruction that reads and writes, acquires and releases. */
  private hasSingleBetween(i: number, j: number): boolean {
    for (let read = i + 1; read < j - 1; read++) {
      const { kind, single, acquire } = this.program.at(read);
      if (kind === 'read' && single && acquire === 'sc' && this.program.at(read + 1).release) return true;
    }
    return false;
  }

  private choose(
    ways: readonly (readonly Way[])[],
    word: number,
    order: Relation,
  ): { order: Relation; from: Way['from'] } | undefined {
    const ofWord = ways[word];
    if (ofWord === undefined) return { order, from: [] };
    for (const way of ofWord) {
      const ordered = order.clone();
      if (!way.edges.every(([before, after]) => ordered.add(before, after))) continue;
      const found = this.choose(ways, word + 1, ordered);
      if (found !== undefined) return { order: found.order, from: [...way.from, ...found.from] };
    }
    return undefined;
  }

  private describe(events: Execution['events'], order: Relation, chosen: Way['from'], asleep: number): Execution {
    const { litmus, threads, traces, program } = this;
    const from: (number | undefined)[] = events.map(() => undefined);
    for (const [read, write] of chosen) {
      from[program.eventOf(read)] = write === INITIAL ? INITIAL : program.eventOf(write);
    }
    return {
      litmus,
      threads,
      events,
      from,
      seen: Object.assign({ asleep }, ...traces.map(({ seen }) => seen)),
      order: () =>
        order
          .linearize()
          .filter((i) => program.at(i).kind !== 'barrier')
          .map((i) => program.eventOf(i))
          .filter((event, i, all) => event !== all[i - 1]),
    };
  }
}
