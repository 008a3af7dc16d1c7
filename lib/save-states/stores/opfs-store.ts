/**
 * A chain in a browser's private files (the origin private file system). Such a file gets its new contents when the
 * writer is closed, and to append to a long file copies it. So each state has a file of its own, named by its
 * generation and by the position at which it begins. A base begins a new generation. The last generation that has its
 * beginning is valid.
 */
import { checkMethods } from '../../base/errors.js';
import { checkReaches, type StateStore } from './store.js';

/** The part of `FileSystemWritableFileStream` that the store needs. Nothing written is visible before `close`. */
export interface OpfsWriter {
  /** Writes after the previous bytes. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Cuts the file to `size` bytes. */
  truncate(size: number): Promise<void>;
  /** Makes the written contents the contents of the file. */
  close(): Promise<void>;
  /** Discards the written contents. */
  abort(): Promise<void>;
}

/** The part of `Blob` that the store needs. */
export interface OpfsContents {
  /** In bytes. */
  readonly size: number;
  /** A part of the contents. */
  slice(start: number, end: number): OpfsContents;
  /** All bytes. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** The part of `FileSystemFileHandle` that the store needs. */
export interface OpfsFile {
  /** The contents of the file. */
  getFile(): Promise<OpfsContents>;
  /** Begins to write, with an empty file or with the existing contents. */
  createWritable(options?: { keepExistingData?: boolean }): Promise<OpfsWriter>;
}

/** The part of `FileSystemDirectoryHandle` that the store needs. */
export interface OpfsDirectory {
  /** The names of the files in the directory. */
  keys(): AsyncIterable<string>;
  /** Rejects when there is no such file, unless it is created. */
  getFileHandle(name: string, options?: { create?: boolean }): Promise<OpfsFile>;
  /** Deletes a file. */
  removeEntry(name: string): Promise<void>;
}

/**
 * A store in a directory of a browser's private files, for example
 * `(await navigator.storage.getDirectory()).getDirectoryHandle('states', { create: true })`. Only one store may use the
 * directory at a time, and nothing else may. The browser does not say when written bytes are on the disk.
 * @throws TypeError when `directory` is not such a directory
 */
export function opfsStore(directory: OpfsDirectory): StateStore {
  checkMethods('opfsStore', 'directory', directory, ['keys', 'getFileHandle', 'removeEntry']);
  return new OpfsStore(directory);
}

const NAME = /^(\d{1,15})-(\d{1,15})\.states$/;

/** A file, and the range of the chain that it contains. */
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
  /** The valid generation; known from the first call on. */
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
      await writer.abort().catch(() => {}); // the first error matters more
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

  /** Removes the files of all other generations: replaced ones, and those of failed writes. */
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
      if (size === 0) continue; // its writer was never closed
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
