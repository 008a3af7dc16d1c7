/**
 * The readers that were attached on this very thread. An owner whose thread is also a reader would wait for itself:
 * while it waits, its readers count as quiescent, unless one is inside a read-side section.
 */

/** What the owner's side needs of a reader on its own thread. */
export interface LocalReader {
  readonly engineId: number;
  readonly slot: number;
  readonly name: string;
  readonly identity: number;
  readonly online: boolean;
  readonly inSection: boolean;
  quiescent(): void;
}

const readers = new Set<LocalReader>();

export function addLocalReader(reader: LocalReader): void {
  readers.add(reader);
}

export function removeLocalReader(reader: LocalReader): void {
  readers.delete(reader);
}

/** Reports for each reader of the engine on this thread that is in no section: its thread is here, not in an interval. */
export function quiesceLocalReaders(engineId: number): void {
  for (const reader of readers) {
    if (reader.engineId === engineId && reader.online && !reader.inSection) reader.quiescent();
  }
}

/** The first reader of the engine on this thread for which `wanted` holds. */
export function findLocalReader(engineId: number, wanted: (reader: LocalReader) => boolean): LocalReader | undefined {
  for (const reader of readers) if (reader.engineId === engineId && wanted(reader)) return reader;
  return undefined;
}
