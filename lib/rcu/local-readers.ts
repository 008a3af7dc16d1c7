/**
 * The readers that were attached on their owner's own thread. An owner whose thread is also a reader would wait for itself:
 * while it waits, its readers count as quiescent, unless one is inside a read-side section.
 *
 * They are kept with the owner's arena, so that an engine that nobody holds any more takes them with it.
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
  quiescent(): void;
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

/** Reports for each reader of the engine on this thread that is in no section: its thread is here, not in an interval. */
export function quiesceLocalReaders(home: Arena): void {
  for (const reader of readers.get(home) ?? []) if (reader.online && !reader.inSection) reader.quiescent();
}

/** The first reader of the engine on this thread for which `wanted` holds. */
export function findLocalReader(home: Arena, wanted: (reader: LocalReader) => boolean): LocalReader | undefined {
  for (const reader of readers.get(home) ?? []) if (wanted(reader)) return reader;
  return undefined;
}
