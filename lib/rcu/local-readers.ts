/**
 * The readers that were attached on their owner's own thread. An owner whose thread is also a reader would wait for
 * itself. So while it waits, the readers of its thread count as quiescent, unless one is inside a read-side section.
 *
 * The readers are kept by the owner's arena in a weak map, so that they are collected together with an unused engine.
 */
import type { Arena } from '../arena/arena.js';

/** What the owner's side needs of a reader on its own thread. */
export interface LocalReader {
  /** The owner's arena, if the owner's thread is the reader's. */
  readonly home: Arena | undefined;
  readonly slot: number;
  readonly name: string;
  readonly identity: number;
  readonly online: boolean;
  readonly inSection: boolean;
  reportForOwner(): void;
  endInterval(): void;
}

const readers = new WeakMap<Arena, Set<LocalReader>>();

/** Does nothing for a reader whose engine another thread owns. */
export function addLocalReader(reader: LocalReader): void {
  const { home } = reader;
  if (home === undefined) return;
  const set = readers.get(home) ?? new Set();
  readers.set(home, set.add(reader));
}

export function removeLocalReader(reader: LocalReader): void {
  if (reader.home !== undefined) readers.get(reader.home)?.delete(reader);
}

/** Reports for each reader of the engine on this thread outside sections: the thread is here, so it uses no roots. */
export function quiesceLocalReaders(home: Arena): void {
  for (const reader of readers.get(home) ?? []) if (reader.online && !reader.inSection) reader.reportForOwner();
}

/**
 * Ends the interval of each reader of the engine on this thread that is in one, whether or not there is something to
 * report.
 */
export function endLocalIntervals(home: Arena): void {
  for (const reader of readers.get(home) ?? []) if (reader.online && !reader.inSection) reader.endInterval();
}

/** @returns the first reader of the engine on this thread for which `wanted` returns true */
export function findLocalReader(home: Arena, wanted: (reader: LocalReader) => boolean): LocalReader | undefined {
  for (const reader of readers.get(home) ?? []) if (wanted(reader)) return reader;
  return undefined;
}
