/**
 * What the threads of an exploration share, beside the memory that is explored. One of them runs at a time and hands over
 * by an atomic store (`Thread.Wake`), so all the rest is accessed plainly.
 */

export const MAX_THREADS = 4;

/**
 * Who can go next: thread `t` by its next access; `FLUSH + t`, its oldest buffered store by reaching memory; `KILL + t`,
 * its death.
 */
export type Agent = number;
export const FLUSH = MAX_THREADS;
export const KILL = 2 * MAX_THREADS;

export const Global = {
  /** A value of `Phase`. */
  Phase: 0,
  Quit: 1,
  /** Decisions of this schedule that the search has on its stack, and how many of them are a repetition. */
  Depth: 2,
  Prefix: 3,
  /** This schedule has come to a state that was explored before: it only runs to its end. */
  Known: 4,
  /** A word turned out to be shared that was taken for a thread's own: the search has to begin again. */
  Restart: 5,
  Preemptions: 6,
  Decisions: 7,
  LongestRun: 8,
  Seed: 9,
  KillAt: 10,
  Killed: 11,
  Segments: 12,
  /** Where a replay stands in its schedule. */
  ReplayAt: 13,
  /** Hash of the shared words, by two functions. */
  MemoryA: 14,
  MemoryB: 15,
  WarmUp: 16,
  Trace: 17,
  /** Counters for whoever watches. */
  Schedules: 18,
  AllSchedules: 19,
  States: 20,
  Restarts: 21,
  /** The part of a replayed schedule, counted from 1, that could not be followed. */
  MisfitAt: 22,
  Priorities: 24,
  ChangePoints: 24 + 3 * MAX_THREADS,
  size: 64,
} as const;

export const Phase = { SetUp: 0, Priming: 1, Race: 2 } as const;

export const Status = { Ready: 0, Yielding: 1, Waiting: 2, Dying: 3, Ended: 4 } as const;

export const Thread = {
  /** 1: it may run. */
  Wake: 0,
  Status: 1,
  /** Accesses of the race so far. */
  Accesses: 2,
  /** Hash of all it has observed, by two functions. */
  HistoryA: 3,
  HistoryB: 4,
  WaitsOn: 5,
  /** How many entries of its read set count; more than fit when there are too many. */
  Reads: 6,
  /** Buffered stores: the first that has not reached memory, and the end. */
  BufferFirst: 7,
  BufferEnd: 8,
  /** Plain stores so far. */
  Stores: 9,
  size: 32,
} as const;

export const READS = 512;
export const BUFFERED = 4096;
const SEGMENTS = 2 ** 15;
const DEPTH = 2 ** 14;
export const TRACED = 2 ** 14;

export interface SharedState {
  /** The explored memory: an arena and guest RAM. */
  readonly memory: WebAssembly.Memory;
  readonly global: Int32Array;
  readonly threads: Int32Array;
  /** For each thread, pairs of a word that it has read since it last had nothing to do, and the value. */
  readonly reads: Int32Array;
  /** For each thread, triples of word, value and the store's ordinal. */
  readonly buffers: Int32Array;
  /** For each word of memory: bit `t` when thread `t` has accessed it, bit `8 + t` when it has written it. */
  readonly touched: Uint16Array;
  /** 1 for words that one thread writes and another accesses: only there is a decision made. */
  readonly shared: Uint8Array;
  /** 1 for words of freed tables and blocks. */
  readonly freed: Uint8Array;
  /** Pairs of the agent chosen and the mask of those still to be tried. */
  readonly stack: Int32Array;
  /** The schedule as it went: pairs of an agent, and its accesses (or its flushed store's ordinal) by then. */
  readonly segments: Int32Array;
  /** Hashes of the states that were explored. */
  readonly visited: Int32Array;
  /** Quadruples of agent, kind of access, word and value. */
  readonly trace: Int32Array;
}

export function createSharedState(memoryPages: number, log2States: number): SharedState {
  const memory = new WebAssembly.Memory({ initial: memoryPages, maximum: memoryPages, shared: true });
  const words = memory.buffer.byteLength / 4;
  const ints = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(length * 4));
  return {
    memory,
    global: ints(Global.size),
    threads: ints(MAX_THREADS * Thread.size),
    reads: ints(MAX_THREADS * READS * 2),
    buffers: ints(MAX_THREADS * BUFFERED * 3),
    touched: new Uint16Array(new SharedArrayBuffer(words * 2)),
    shared: new Uint8Array(new SharedArrayBuffer(words)),
    freed: new Uint8Array(new SharedArrayBuffer(words)),
    stack: ints(DEPTH * 2),
    segments: ints(SEGMENTS * 2),
    visited: ints(2 ** log2States * 2),
    trace: ints(TRACED * 4),
  };
}
