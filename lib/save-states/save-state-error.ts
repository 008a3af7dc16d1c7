/** Why states were not saved, compacted or restored. */
import { messageOf } from '../base/errors.js';
import { printable } from '../base/printable.js';

/**
 * What went wrong: there is no whole state, or not the one that was asked for (`missing`); the store has something else than a
 * chain, or one that no chain has written (`format`), or of another `version`; it asks for more than was allowed (`limit`); the
 * machine's RAM is not that of the state (`mismatch`); a hook of the `machine` threw, or returned what it must not; or the `store`
 * threw.
 */
export type SaveStateFailure = 'missing' | 'format' | 'version' | 'limit' | 'mismatch' | 'machine' | 'store';

/** In UTF-16 units, of what a hook or a store has thrown. */
const LONGEST_CAUSE = 1000;

/**
 * A state was not saved, and its pages are in the next one; the chain was not compacted, and is as it was; or no state was
 * restored, and what of the machine has been plugged is to be given up.
 */
export class SaveStateError extends Error {
  override readonly name = 'SaveStateError';
  readonly reason: SaveStateFailure;

  /** @internal */
  constructor(reason: SaveStateFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The store need not be written by one of ours. */
export function malformed(what: string): SaveStateError {
  return new SaveStateError('format', `no save states of a dirtymem chain: ${what}`);
}

/** @throws (rejects) SaveStateError, with what the hook has thrown as its cause */
export async function callHook<T>(name: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw failureOf(error, 'machine', `${name} failed`);
  }
}

/** @returns an error with the cause's message in its own */
export function failureOf(cause: unknown, reason: SaveStateFailure, what: string): SaveStateError {
  return new SaveStateError(reason, `${what}: ${printable(messageOf(cause), LONGEST_CAUSE)}`, { cause });
}
