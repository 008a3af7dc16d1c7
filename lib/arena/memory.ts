/**
 * The memory that contains an arena: shared with other threads, or used by one thread only. A page that is not
 * cross-origin isolated has no SharedArrayBuffer constructor, and must not send a shared memory to a worker.
 */
import { isArrayBuffer, isMemory } from '../base/brands.js';
import { AddressSpaceError, NoSharedMemoryError, wrongType } from '../base/errors.js';

export const WASM_PAGE = 65536;

/**
 * Reserves address space; the operating system commits memory when it is touched, in shared and unshared memories
 * alike.
 * @throws NoSharedMemoryError, AddressSpaceError
 */
export function reserveMemory(operation: string, bytes: number, shared: boolean): WebAssembly.Memory {
  if (shared) requireSharing(operation);
  const pages = Math.ceil(bytes / WASM_PAGE);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch (error) {
    throw new AddressSpaceError(operation, pages * WASM_PAGE, error);
  }
}

/** @throws TypeError when `memory` is not a WebAssembly.Memory */
export function checkMemory(operation: string, what: string, memory: unknown): WebAssembly.Memory {
  if (isMemory(memory)) return memory;
  throw wrongType(operation, what, memory, 'a WebAssembly.Memory itself, not a proxy or a copy by JSON');
}

/**
 * Checks the embedder's memory.
 * @throws TypeError when it is not a WebAssembly.Memory, or not shared as `shared` says; NoSharedMemoryError
 */
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

function requireSharing(operation: string): void {
  if (typeof SharedArrayBuffer === 'undefined') throw new NoSharedMemoryError(operation);
}
