/** What the engine needs from its host, Node or a browser, without importing modules of either. */

interface BuiltinModules {
  'node:worker_threads': { threadId: number };
  'node:fs/promises': {
    open(path: string, flags: string): Promise<NodeFile>;
    rename(from: string, to: string): Promise<void>;
  };
  'node:path': { dirname(path: string): string };
  'node:url': { fileURLToPath(url: URL): string };
}

interface NodeProcess {
  readonly hrtime?: () => [seconds: number, nanoseconds: number];
  readonly platform?: string;
  getBuiltinModule?<Name extends keyof BuiltinModules>(name: Name): BuiltinModules[Name] | undefined;
  emitWarning?(message: string, type: string): void;
}

const node = (globalThis as { process?: NodeProcess }).process;

/**
 * Can a worker's thread run on after its `exit` event? In Deno it can: the event comes when the worker has been told to
 * end, and the thread runs on until it notices. In Node the event comes when the thread is gone, and so it does in Bun
 * as far as has been observed.
 */
export const exitOutrunsThread = 'Deno' in globalThis;

/**
 * @returns this thread's id, which `worker.threadId` gives to the parent; undefined in browsers, where threads have no
 *   id
 */
export function threadIdentity(): number | undefined {
  return node?.getBuiltinModule?.('node:worker_threads')?.threadId;
}

/**
 * @returns the milliseconds to add to this thread's `performance.now()` for a time that all threads of the program
 *   share. In Node `performance.timeOrigin` differs from thread to thread by up to some tenths of a millisecond, and
 *   `process.hrtime` is one clock for all; browsers derive every thread's `timeOrigin` from one clock
 */
export function commonClockOffset(): number {
  const hrtime = node?.hrtime;
  if (hrtime === undefined || 'Deno' in globalThis) return performance.timeOrigin;
  let best = 0;
  let least = Infinity;
  // The shortest of several looks: a thread may lose its core between the two clocks.
  for (let look = 0; look < 8; look++) {
    const before = performance.now();
    const [seconds, nanoseconds] = hrtime();
    const after = performance.now();
    if (after - before >= least) continue;
    least = after - before;
    best = seconds * 1e3 + nanoseconds / 1e6 - (before + after) / 2;
  }
  return best;
}

export function warn(message: string): void {
  if (node?.emitWarning !== undefined) node.emitWarning(message, 'DirtyMemoryWarning');
  else console.warn(message);
}

/** An open file of Node's. */
export interface NodeFile {
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  truncate(length: number): Promise<void>;
  stat(): Promise<{ readonly size: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What a store needs of Node's file system. */
export interface NodeFiles {
  open(path: string, flags: 'r' | 'r+' | 'w'): Promise<NodeFile>;
  rename(from: string, to: string): Promise<void>;
  /** Makes the names in the path's folder survive a crash, too. */
  syncFolderOf(path: string): Promise<void>;
  /** @throws TypeError for a URL that names no file on this machine */
  pathOf(url: URL): string;
}

/**
 * Asks for Node's modules at run time instead of importing them, so that bundlers for browsers never see them.
 * @returns undefined where the host has no such modules
 */
export function nodeFiles(): NodeFiles | undefined {
  const fs = node?.getBuiltinModule?.('node:fs/promises');
  const paths = node?.getBuiltinModule?.('node:path');
  const urls = node?.getBuiltinModule?.('node:url');
  if (fs === undefined || paths === undefined || urls === undefined) return undefined;
  return {
    open: (path, flags) => fs.open(path, flags),
    rename: (from, to) => fs.rename(from, to),
    pathOf: (url) => urls.fileURLToPath(url),
    async syncFolderOf(path) {
      if (node?.platform === 'win32') return; // a folder cannot be opened there, and the file system's journal keeps the renaming
      const folder = await fs.open(paths.dirname(path), 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    },
  };
}
