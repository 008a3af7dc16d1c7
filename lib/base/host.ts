/** What the engine needs from its host, Node or a browser, without importing modules of either. */

interface NodeProcess {
  getBuiltinModule?(name: 'node:worker_threads'): { threadId: number } | undefined;
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
