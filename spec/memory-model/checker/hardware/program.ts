/** The instructions of a litmus test's threads, given what their reads return. */
import type { Access, Event, Trace } from '../event.js';
import { type Dependency, dependenciesOf } from './dependencies.js';
import type { Mapping, Mnemonic } from './mappings.js';

export interface Instruction {
  readonly kind: 'read' | 'write' | 'barrier' | 'enter' | 'leave';
  readonly thread: number;
  /** Number of the thread's event that it is part of. */
  readonly event: number;
  readonly location: number;
  /** What is read or written; `undefined` for a read whose value the program does not look at. */
  readonly value: number | undefined;
  /** 'pc': as ARM's `ldapr`, which is not ordered behind a release. */
  readonly acquire: false | 'sc' | 'pc';
  readonly release: boolean;
  /** Where the other half of a read and write in one is: 1 for the next instruction, -1 for the last, or 0. */
  readonly half: 0 | 1 | -1;
  /** It is half of an `amo`, and not of a pair. */
  readonly single: boolean;
}

/** By numbers of instructions: each depends on the read. From a control dependency's on, all later ones do. */
export type Dependent = Readonly<Record<Dependency['kind'], readonly (readonly [read: number, to: number])[]>>;

/** What a thread does that goes as the trace has it. */
export interface Code {
  readonly trace: Trace;
  readonly instructions: readonly Instruction[];
  readonly dependent: Dependent;
}

/** @param ofThread all traces of the thread: they show what depends on what; none, if that is left out */
export function codeOf(mapping: Mapping, trace: Trace, thread: number, ofThread: readonly Trace[]): Code {
  const instructions: Instruction[] = [];
  const firstOf = trace.events.map((event, i) => {
    const first = instructions.length;
    lower(mapping, event, i, thread, instructions);
    return first;
  });
  const halves = (event: number, kind: 'read' | 'write'): number[] =>
    [...instructions.keys()].filter((i) => instructions[i]?.event === event && instructions[i]?.kind === kind);
  const dependent = { address: [], data: [], control: [] } as Record<Dependency['kind'], [number, number][]>;
  for (const { kind, from, to } of dependenciesOf(trace, ofThread)) {
    const [read] = halves(from, 'read') as [number];
    const targets = kind === 'control' ? [firstOf[to] as number] : halves(to, 'write');
    if (kind === 'address') targets.push(...halves(to, 'read'));
    for (const target of targets) dependent[kind].push([read, target]);
  }
  return { trace, instructions, dependent };
}

/** All threads, one after the other. */
export class Program {
  readonly instructions: readonly Instruction[];
  readonly dependent: Dependent;
  /** Number of the first event of each thread, of the numbers that all events have together. */
  private readonly firstEvents: number[] = [];

  constructor(codes: readonly Code[]) {
    this.instructions = codes.flatMap(({ instructions }) => instructions);
    const dependent = { address: [], data: [], control: [] } as Record<Dependency['kind'], [number, number][]>;
    let first = 0;
    let firstEvent = 0;
    for (const code of codes) {
      this.firstEvents.push(firstEvent);
      for (const kind of ['address', 'data', 'control'] as const) {
        for (const [read, to] of code.dependent[kind]) dependent[kind].push([first + read, first + to]);
      }
      first += code.instructions.length;
      firstEvent += code.trace.events.length;
    }
    this.dependent = dependent;
  }

  at(i: number): Instruction {
    return this.instructions[i] as Instruction;
  }

  eventOf(i: number): number {
    const { thread, event } = this.at(i);
    return (this.firstEvents[thread] as number) + event;
  }

  /** The first instruction of an event. */
  partOf(event: number): number {
    return this.instructions.findIndex((_, i) => this.eventOf(i) === event);
  }
}

function lower(mapping: Mapping, event: Event, number: number, thread: number, to: Instruction[]): void {
  const plain = {
    thread,
    event: number,
    location: event.location,
    value: undefined,
    acquire: false,
    release: false,
    half: 0,
    single: false,
  } as const;
  if (event.kind !== 'access') {
    to.push({ ...plain, kind: event.kind });
    return;
  }
  const { read, written } = event;
  for (const mnemonic of mnemonicsOf(mapping, event)) {
    const acquire = mnemonic.endsWith('.acqpc') ? 'pc' : mnemonic.includes('.acq') ? 'sc' : false;
    const isRead = { ...plain, kind: 'read', value: read, acquire } as const;
    // What reads and writes in order to load writes what it has read.
    const isWrite = { ...plain, kind: 'write', value: written ?? read, release: mnemonic.endsWith('rel') } as const;
    switch (mnemonic) {
      case 'full':
        to.push({ ...plain, kind: 'barrier' });
        break;
      case 'amo':
      case 'amo.acqrel':
        to.push({ ...isRead, half: 1, single: true }, { ...isWrite, half: -1, single: true });
        break;
      case 'sc':
      case 'sc.rel':
        to.push({ ...(to.pop() as Instruction), half: 1 }, { ...isWrite, half: -1 });
        break;
      case 'st':
      case 'st.rel':
        to.push(isWrite);
        break;
      default:
        to.push(isRead);
    }
  }
}

function mnemonicsOf(mapping: Mapping, { name, order, read, written }: Access): readonly Mnemonic[] {
  if (order === 'unordered') return read === undefined ? ['st'] : ['ld'];
  if (name === 'wait') return ['ld'];
  if (read === undefined) return mapping.store;
  if (written !== undefined) return mapping.modify;
  return name === 'compareExchange' ? mapping.failedExchange : mapping.load;
}
