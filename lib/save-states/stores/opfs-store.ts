/**
 * A chain in a browser's private files (the origin private file system). What is written to one of these files takes its place
 * when the writer is closed, which copies a file that is long; so each state has a file of its own, named after the position at
 * which it begins, and after the generation: a base begins a new one. The last generation that has a beginning counts.
 */
import { checkMethods } from '../../base/errors.js';
import { checkReaches, type StateStore } from './store.js';

/** What is needed of a `FileSystemWritableFileStream`: nothing of it shows before it is closed. */
export interface OpfsWriter {
  /** Goes on where the last one has ended. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Cuts the file off. */
  truncate(size: number): Promise<void>;
  /** What was written takes the file's place. */
  close(): Promise<void>;
  /** What was written is dropped. */
  abort(): Promise<void>;
}

/** What is needed of a `Blob`. */
export interface OpfsContents {
  /** In bytes. */
  readonly size: number;
  /** A part of it. */
  slice(start: number, end: number): OpfsContents;
  /** All of it. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What is needed of a `FileSystemFileHandle`. */
export interface OpfsFile {
  /** What the file has. */
  getFile(): Promise<OpfsContents>;
  /** Begins to write: from nothing, or from what the file has. */
  createWritable(options?: { keepExistingData?: boolean }): Promise<OpfsWriter>;
}

/** What is needed of a `FileSystemDirectoryHandle`. */
export interface OpfsDirectory {
  /** The names of what is in it. */
  keys(): AsyncIterable<string>;
  /** Rejects when there is no such file, unless it is created. */
  getFileHandle(name: string, options?: { create?: boolean }): Promise<OpfsFile>;
  /** Deletes a file. */
  removeEntry(name: string): Promise<void>;
}

/**
 * A store in a directory of a browser's private files, which has it for itself, such as
 * `(await navigator.storage.getDirectory()).getDirectoryHandle('states', { create: true })`. One store uses it at a time. The
 * browser does not say when what was written is on the disk.
 * @throws TypeError for what is no such directory
 */
export function opfsStore(directory: OpfsDirectory): StateStore {
  checkMethods('opfsStore', 'directory', directory, ['keys', 'getFileHandle', 'removeEntry']);
  return new OpfsStore(directory);
}

const NAME = /^(\d{1,15})-(\d{1,15})\.states$/;

/** A file, and the bytes of the chain that it has. */
interface Segment {
  readonly name: string;
  readonly start: number;
  end: number;
}

interface Generation {
  readonly number: number;
  readonly segments: Segment[];
}

class OpfsStore implements StateStore {
  private readonly directory: OpfsDirectory;
  /** Known from the first call on. */
  private current: Generation | undefined;

  constructor(directory: OpfsDirectory) {
    this.directory = directory;
  }

  async read(position: number, into: Uint8Array): Promise<number> {
    let done = 0;
    for (const { name, start, end } of (await this.generation()).segments) {
      const from = position + done;
      if (done === into.length || from < start || from >= end) continue;
      const file = await (await this.directory.getFileHandle(name)).getFile();
      const length = Math.min(end - from, into.length - done);
      into.set(new Uint8Array(await file.slice(from - start, from - start + length).arrayBuffer()), done);
      done += length;
    }
    return done;
  }

  async append(position: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const generation = await this.generation();
    const { number, segments } = generation;
    checkReaches(segments.at(-1)?.end ?? 0, position);
    await this.removeOthers(generation);
    for (let last = segments.at(-1); last !== undefined && last.end > position; last = segments.at(-1)) {
      if (last.start < position) await this.shorten(last, position);
      else {
        await this.directory.removeEntry(last.name);
        segments.pop();
      }
    }
    segments.push(await this.write(number, position, pieces));
  }

  async replace(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const before = await this.generation();
    await this.removeOthers(before);
    const number = before.number + 1;
    this.current = { number, segments: [await this.write(number, 0, pieces)] };
  }

  private async write(generation: number, start: number, pieces: AsyncIterable<Uint8Array>): Promise<Segment> {
    const name = `${generation}-${start}.states`;
    const handle = await this.directory.getFileHandle(name, { create: true });
    const writer = await handle.createWritable();
    let end = start;
    try {
      for await (const piece of pieces) {
        await writer.write(piece as Uint8Array<ArrayBuffer>);
        end += piece.length;
      }
    } catch (error) {
      await writer.abort().catch(() => {}); // what made the writing fail says more
      throw error;
    }
    await writer.close();
    return { name, start, end };
  }

  private async shorten(segment: Segment, end: number): Promise<void> {
    const handle = await this.directory.getFileHandle(segment.name);
    const writer = await handle.createWritable({ keepExistingData: true });
    await writer.truncate(end - segment.start);
    await writer.close();
    segment.end = end;
  }

  /** What a generation that came to an end has left, and one that has failed. */
  private async removeOthers({ number }: Generation): Promise<void> {
    const names: string[] = [];
    for await (const name of this.directory.keys()) names.push(name);
    for (const name of names) {
      const match = NAME.exec(name);
      if (match !== null && Number(match[1]) !== number) await this.directory.removeEntry(name);
    }
  }

  private async generation(): Promise<Generation> {
    this.current ??= await this.find();
    return this.current;
  }

  private async find(): Promise<Generation> {
    const generations = new Map<number, Segment[]>();
    for await (const name of this.directory.keys()) {
      const [, number, start] = NAME.exec(name) ?? [];
      if (number === undefined) continue;
      const { size } = await (await this.directory.getFileHandle(name)).getFile();
      if (size === 0) continue; // it was never closed
      const segments = generations.get(Number(number)) ?? [];
      segments.push({ name, start: Number(start), end: Number(start) + size });
      generations.set(Number(number), segments);
    }
    let last: Generation = { number: 0, segments: [] };
    for (const [number, segments] of generations) {
      segments.sort((one, other) => one.start - other.start);
      if (number >= last.number && segments[0]?.start === 0) last = { number, segments };
    }
    return last;
  }
}
