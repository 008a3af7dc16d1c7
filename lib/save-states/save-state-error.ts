/** Why states were not saved, compacted or restored. */
import { messageOf } from '../base/errors.js';
import { printable } from '../base/printable.js';

/**
 * What went wrong:
 *
 * - `missing`: there is no complete state, or not the requested one;
 * - `format`: the store does not contain a valid chain;
 * - `version`: the chain has another version of the format;
 * - `limit`: the state is larger than the options allow;
 * - `mismatch`: the machine's RAM is not that of the state;
 * - `machine`: a hook of the machine threw, or returned a wrong value;
 * - `store`: the store threw, or returned a wrong value.
 */
export type SaveStateFailure = 'missing' | 'format' | 'version' | 'limit' | 'mismatch' | 'machine' | 'store';

/** Messages show at most this many UTF-16 units of an error's message. */
const LONGEST_CAUSE = 1000;

/**
 * A save, a compaction or a restore has failed. After a failed save, the next state contains the pages. After a failed
 * compaction, the chain is unchanged. After a failed restore, discard the parts of the machine that have been plugged.
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

/** The error for a store without a valid chain. The chain need not be written by this implementation. */
export function malformed(what: string): SaveStateError {
  return new SaveStateError('format', `not a valid chain of dirtymem save states: ${what}`);
}

/**
 * Runs an operation that the embedder has called.
 * @throws (rejects) what the operation throws; the message of a SaveStateError begins with the operation's name then
 */
export async function naming<T>(operation: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof SaveStateError)) throw error;
    const { reason, message } = error;
    throw new SaveStateError(reason, `${operation}: ${message}`, 'cause' in error ? { cause: error.cause } : {});
  }
}

/** @throws (rejects) SaveStateError, with what the hook has thrown as its cause */
export async function callHook<T>(name: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw failureOf(error, 'machine', `${name} failed`);
  }
}

/** @returns an error whose message contains that of the cause */
export function failureOf(cause: unknown, reason: SaveStateFailure, what: string): SaveStateError {
  return new SaveStateError(reason, `${what}: ${printable(messageOf(cause), LONGEST_CAUSE)}`, { cause });
}
