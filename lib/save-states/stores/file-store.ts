/**
 * A chain in a file, through Node's file system. Increments are appended. A base is written to another file, which
 * replaces the file when it is complete.
 */
import { checkBoolean, messageOf, UsageError, wrongType } from '../../base/errors.js';
import { type NodeFile, type NodeFiles, nodeFiles } from '../../base/host.js';
import { type OptionNames, readOptions } from '../../base/options.js';
import { checkReaches, type FileStoreOptions, type StateStore } from './store.js';

const FILE_STORE_OPTIONS: OptionNames<FileStoreOptions> = { sync: true };

/**
 * A store in a file. The file need not exist yet, but its folder must. A base is written beside it, to the file's name
 * with `.part` added.
 * @param path the path of the file: a string, or a `file:` URL
 * @throws TypeError; UsageError where Node's file system is missing, as in browsers
 */
export function fileStore(path: string | URL, options: FileStoreOptions = {}): StateStore {
  const operation = 'fileStore';
  const { sync = true } = readOptions(operation, options, FILE_STORE_OPTIONS);
  checkBoolean(operation, 'sync', sync);
  const files = nodeFiles();
  if (files === undefined) {
    throw new UsageError(`${operation}: there is no file system here; in a browser use opfsStore`);
  }
  return new FileStore(files, pathOf(operation, path, files), sync);
}

function pathOf(operation: string, path: string | URL, files: NodeFiles): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  try {
    if (path instanceof URL && path.protocol === 'file:') return files.pathOf(path);
  } catch (error) {
    throw new TypeError(`${operation}: path names no file of this machine: ${messageOf(error)}`, { cause: error });
  }
  throw wrongType(operation, 'path', path, 'the path of a file, or a URL of one');
}

class FileStore implements StateStore {
  private readonly files: NodeFiles;
  private readonly path: string;
  private readonly sync: boolean;

  constructor(files: NodeFiles, path: string, sync: boolean) {
    this.files = files;
    this.path = path;
    this.sync = sync;
  }

  async read(position: number, into: Uint8Array): Promise<number> {
    let file: NodeFile;
    try {
      file = await this.files.open(this.path, 'r');
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return 0;
      throw error;
    }
    return using(file, async () => {
      let done = 0;
      while (done < into.length) {
        const { bytesRead } = await file.read(into, done, into.length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    });
  }

  async append(position: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await this.files.open(this.path, 'r+');
    await using(file, async () => {
      checkReaches((await file.stat()).size, position);
      await file.truncate(position);
      await this.write(file, position, pieces);
    });
  }

  async replace(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const part = `${this.path}.part`;
    const file = await this.files.open(part, 'w'); // overwrites what a failed call has left
    await using(file, () => this.write(file, 0, pieces));
    await this.files.rename(part, this.path);
    if (this.sync) await this.files.syncFolderOf(this.path);
  }

  /** Writes the pieces. The next piece is made while the previous one is written. */
  private async write(file: NodeFile, position: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    let at = position;
    let writing: Promise<void> | undefined;
    try {
      for await (const piece of pieces) {
        await writing;
        writing = writeAll(file, at, piece);
        writing.catch(() => {}); // awaited below in any case
        at += piece.length;
      }
    } finally {
      await writing;
    }
    if (this.sync) await file.sync();
  }
}

async function writeAll(file: NodeFile, position: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function using<T>(file: NodeFile, body: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await body();
  } catch (error) {
    await file.close().catch(() => {}); // the error of the body matters more
    throw error;
  }
  await file.close();
  return result;
}
