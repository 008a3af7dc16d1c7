/** What the engine asks of the host, Node or a browser, without importing either. */

interface NodeProcess {
  getBuiltinModule?(name: 'node:worker_threads'): { threadId: number } | undefined;
  emitWarning?(message: string, type: string): void;
}

const node = (globalThis as { process?: NodeProcess }).process;

/**
 * Deno reports a worker's exit when it has been told to end, while its thread runs on until it looks. In Node, and as far as
 * anybody has seen in Bun, the event comes when the thread is gone.
 */
export const exitOutrunsThread = 'Deno' in globalThis;

/** This thread's id, as `worker.threadId` has it on the other side; undefined where threads have none (browsers). */
export function threadIdentity(): number | undefined {
  return node?.getBuiltinModule?.('node:worker_threads')?.threadId;
}

export function warn(message: string): void {
  if (node?.emitWarning !== undefined) node.emitWarning(message, 'DirtyMemoryWarning');
  else console.warn(message);
}
