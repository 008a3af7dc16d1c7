/** Why a migration failed, and the state of the machine after that. */
import { messageOf } from '../base/errors.js';
import { printable } from '../base/printable.js';

/**
 * What went wrong:
 *
 * - `cancelled`: this side's signal or `cancel` ended the migration;
 * - `link`: the connection was cut;
 * - `timeout`: the peer was silent for `stallMs`, or for too long said nothing that advances the migration;
 * - `protocol`: the peer has sent something that the protocol does not allow;
 * - `mismatch`: RAM was not equal at the end;
 * - `convergence`: the guest dirties pages faster than they can be sent, although its vCPUs are slowed down;
 * - `source`, `destination`: a hook or the engine of that side threw an error;
 * - `undecided`: it is not known whether the other machine runs.
 */
export type MigrationFailure =
  | 'cancelled'
  | 'link'
  | 'timeout'
  | 'protocol'
  | 'mismatch'
  | 'convergence'
  | 'source'
  | 'destination'
  | 'undecided';

/** A range of a RAM block that differs between the two ends: whole pages, or 64 KiB parts of larger pages. */
export interface UnequalRange {
  /** The id of the RAM block. */
  readonly id: string;
  /** In bytes, from the block's beginning. */
  readonly start: number;
  /** In bytes. */
  readonly length: number;
}

interface Details extends ErrorOptions {
  /** The text that the peer is told instead of the message. */
  readonly told?: string;
  readonly unequal?: readonly UnequalRange[];
}

/** Messages show at most this many UTF-16 units of an error's message. */
const LONGEST_CAUSE = 1000;

/**
 * The migration did not take place. At the source the machine runs as before and may be migrated again; at the
 * destination everything that had arrived was discarded.
 *
 * There are two exceptions. With the reason `undecided` the source's machine is still paused, or the destination holds
 * the whole machine, neither started nor discarded. Ask the arbiter, or find out otherwise which machine runs, and then
 * either run this one (at the source by `Migration.takeBack`) or give it up. When a `resume`, `start` or `discard` hook
 * has thrown (its error is the `cause`), the machine is as that hook left it.
 */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  readonly reason: MigrationFailure;
  /** The first ranges of RAM that were not equal, as far as they are known. Empty unless digests differed. */
  readonly unequal: readonly UnequalRange[];
  /** @internal The text that the peer may be told. It must not contain what a hook has thrown or returned. */
  readonly told: string;

  /** @internal */
  constructor(reason: MigrationFailure, message: string, { told = message, unequal = [], ...options }: Details = {}) {
    super(message, options);
    this.reason = reason;
    this.told = told;
    this.unequal = unequal;
  }
}

/** @returns the error itself if it is a MigrationError, else a MigrationError with the error as its cause */
export function asFailure(error: unknown, reason: MigrationFailure, what: string): MigrationError {
  return error instanceof MigrationError ? error : failureOf(error, reason, what);
}

/** @param what the only text that the peer is told. @returns an error whose message contains that of the cause */
export function failureOf(cause: unknown, reason: MigrationFailure, what: string): MigrationError {
  return new MigrationError(reason, `${what}: ${printable(messageOf(cause), LONGEST_CAUSE)}`, { cause, told: what });
}

/** The error for a source that has violated the protocol. The source need not be this implementation. */
export function breach(what: string): MigrationError {
  return new MigrationError('protocol', `protocol violation by the source: ${what}`);
}
