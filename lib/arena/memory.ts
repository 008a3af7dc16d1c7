/**
 * The memory that an arena lies in: shared with other threads, or of one thread. What a page that is not cross-origin
 * isolated lacks is the constructor SharedArrayBuffer, and the right to send a shared memory to a worker.
 */
import { isArrayBuffer, isMemory } from '../brands.js';
import { NoSharedMemoryError, outOfRange, wrongType } from '../errors.js';

export const WASM_PAGE = 65536;

/**
 * Address space, of which the operating system commits what is touched, shared or not.
 * @throws NoSharedMemoryError
 */
export function reserveMemory(operation: string, bytes: number, shared: boolean): WebAssembly.Memory {
  if (shared) requireSharing(operation);
  const pages = Math.ceil(bytes / WASM_PAGE);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
}

/** @throws TypeError when it is none */
export function checkMemory(operation: string, what: string, memory: unknown): WebAssembly.Memory {
  if (isMemory(memory)) return memory;
  throw wrongType(operation, what, memory, 'a WebAssembly.Memory, and no imitation or proxy of one');
}

/** The embedder's. @throws TypeError when it is none, or of the other kind, NoSharedMemoryError */
export function checkMemoryOf(operation: string, candidate: unknown, shared: boolean): WebAssembly.Memory {
  if (shared) requireSharing(operation);
  const memory = checkMemory(operation, 'memory', candidate);
  if (isShared(memory) === shared) return memory;
  const expected = shared ? 'shared, or the option shared be false' : 'one that is not shared, as shared is false';
  throw wrongType(operation, 'memory', memory, expected);
}

export function isShared(memory: WebAssembly.Memory): boolean {
  return !isArrayBuffer(memory.buffer);
}

interface Region {
  readonly first: number;
  readonly end: number;
}

/** Where this thread's engines live, by memory. */
const claimed = new WeakMap<WebAssembly.Memory, Set<Region>>();

/**
 * Takes bytes of a memory for an engine. One that begins at the same byte is told by its header whether it is closed.
 * @returns how to give them back
 * @throws RangeError when an engine of this thread lives in some of them
 */
export function claimRegion(operation: string, memory: WebAssembly.Memory, first: number, end: number): () => void {
  const regions = claimed.get(memory) ?? new Set();
  claimed.set(memory, regions);
  for (const other of regions) {
    if (other.first === first || other.end <= first || end <= other.first) continue;
    const free = `clear of the engine that lives in bytes ${other.first} to ${other.end}`;
    throw outOfRange(operation, 'byteOffset', first, free);
  }
  const region = { first, end };
  regions.add(region);
  return () => regions.delete(region);
}

function requireSharing(operation: string): void {
  if (typeof SharedArrayBuffer === 'undefined') throw new NoSharedMemoryError(operation);
}
