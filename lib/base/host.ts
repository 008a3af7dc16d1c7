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

export function warn(message: string): void {
  if (node?.emitWarning !== undefined) node.emitWarning(message, 'DirtyMemoryWarning');
  else console.warn(message);
}

/** A file that is open, as Node has it. */
export interface NodeFile {
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  truncate(length: number): Promise<void>;
  stat(): Promise<{ readonly size: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Files of Node's. */
export interface NodeFiles {
  open(path: string, flags: 'r' | 'r+' | 'w'): Promise<NodeFile>;
  rename(from: string, to: string): Promise<void>;
  /** So that the name of a file in it is kept, too. */
  syncFolderOf(path: string): Promise<void>;
  /** @throws TypeError for a URL that is of no file here */
  pathOf(url: URL): string;
}

/**
 * Asked for instead of imported, so that no bundle for browsers has to know of them.
 * @returns undefined where there are none
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
      if (node?.platform === 'win32') return; // folders cannot be opened there, and renaming is in the journal
      const folder = await fs.open(paths.dirname(path), 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    },
  };
}
