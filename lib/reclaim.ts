/**
 * Ends an engine whose owner's thread has died, so that its memory can be used again. The dead owner no longer stores
 * anything. Its readers may still do what readers of any closed engine may do (arena/place.ts).
 */
import { Arena } from './arena/arena.js';
import { CLOSED, Header, LEFT, ROOTS } from './arena/layout.js';
import { checkInteger, type ReaderReport, UsageError, wrongType } from './base/errors.js';
import { readOptions } from './base/options.js';
import { RateLimits } from './rate/limits.js';
import { reportReaders, retireIdentity } from './rcu/registry.js';
import { nextNumber } from './rcu/sequence.js';

/** Where the engine is, and which of its readers are dead too. */
export interface ReclaimOptions {
  /** The memory that the engine was created in. */
  readonly memory: WebAssembly.Memory;
  /** The byte of `memory` at which the engine begins. Default 0. */
  readonly byteOffset?: number;
  /** The identities of readers whose threads have ended; these readers are retired. Default: none. */
  readonly gone?: readonly number[];
}

/** @returns the readers that are still attached */
export function reclaim(options: ReclaimOptions): ReaderReport[] {
  const operation = 'DirtyMemory.reclaim';
  const names = { memory: true, byteOffset: true, gone: true } as const;
  const { memory, byteOffset = 0, gone = [] } = readOptions(operation, options, names);
  if (!Array.isArray(gone)) throw wrongType(operation, 'gone', gone, 'an array of identities');
  const identities = [...gone];
  for (const identity of identities) checkInteger(operation, 'gone', identity, 0, 2 ** 31 - 2);
  const arena = Arena.abandoned(operation, memory, byteOffset);
  if (arena === undefined) return [];
  if (Arena.ownedHere(arena.engineId) !== undefined) {
    throw new UsageError(`${operation}: the engine at byteOffset ${byteOffset} is this thread's own; close it`);
  }
  if (arena.words.load(Header.Closed) !== LEFT) end(arena);
  for (const identity of identities) retireIdentity(arena, identity);
  // ORDER GP-5: the stores that we made in place of the dead owner precede this store (release), as the owner's stores
  //   would in its own close.
  // pairs with: arena/place.ts vacate
  arena.words.store(Header.Closed, LEFT);
  return reportReaders(arena);
}

/** Tells the readers that the engine is closed, as the owner would have done. */
function end(arena: Arena): void {
  const { words, regions } = arena;
  words.store(Header.Closed, CLOSED);
  new RateLimits(arena).set(0); // wakes readers that sleep
  // The all-zero block reads as a table without entries (dirty/block-tables.ts close).
  for (let root = 0; root < ROOTS; root++) words.store(Header.Roots + root, regions.zeroBlock);
  // ORDER GP-1: this store comes last (release), so that a reader that reports reloads its roots and finds the engine
  //   closed.
  // pairs with: dirty/vcpu.ts loadRoots
  words.store(Header.Number, nextNumber(words.load(Header.Number)));
}
