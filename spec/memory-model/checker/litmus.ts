/** A litmus test: a few threads that do a few things each, and what they may and must not see. */
import type { Seen } from './event.js';
import type { TracedWords } from './traced-words.js';

/** Runs once for each sequence of values that its reads can return, so it must depend on nothing else. */
// biome-ignore lint/suspicious/noConfusingVoidType: most threads have nothing to tell
export type Thread = (memory: TracedWords) => Seen | void;

export interface Litmus {
  /** Names of locations, for the witness. */
  readonly locations: Readonly<Record<string, number>>;
  /** What the locations hold before anything happens: 0 where nothing is said. */
  readonly initial?: ReadonlyMap<number, number>;
  readonly threads: Readonly<Record<string, Thread>>;
  /** Runs in a thread that all events of the others happen-before (the host has joined them): sees the outcome. */
  readonly afterwards?: Thread;
  /** Writes of which each takes its value from the one before, at most. Default: as many as there are events. */
  readonly longestChain?: number;
}
