/** Why a migration failed, and what is true of the machine then. */
import { messageOf } from '../base/errors.js';
import { printable } from '../base/printable.js';

/**
 * What went wrong: `cancelled` by this side's signal or `cancel`; the `link` was cut; nothing came over it for `stallMs`, or nothing
 * that gets the migration any further (`timeout`); something came that is not the `protocol`; RAM was not equal at the end
 * (`mismatch`); the guest dirties pages faster than they can be sent, although its vCPUs are slowed down (`convergence`); a hook
 * or the engine of one side threw (`source`, `destination`); or it is not known whether the other machine runs (`undecided`).
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

/** A range of a RAM block that is not the same at both ends: whole pages, or parts of 64 KiB of larger ones. */
export interface UnequalRange {
  /** The RAM block's. */
  readonly id: string;
  /** In bytes, from the block's beginning. */
  readonly start: number;
  /** In bytes. */
  readonly length: number;
}

interface Details extends ErrorOptions {
  /** What the peer is told instead of the message. */
  readonly told?: string;
  readonly unequal?: readonly UnequalRange[];
}

/** In UTF-16 units, of what a hook has thrown. */
const LONGEST_CAUSE = 1000;

/**
 * A migration did not take place. Of the source: its machine runs as before, and may be migrated again; of the
 * destination: what had arrived was discarded.
 *
 * Two cases are otherwise. With the reason `undecided` a source is still paused and a destination holds the whole machine,
 * neither started nor discarded: ask the arbiter, or look, and then either run it (at the source by `Migration.takeBack`) or give it
 * up. When the machine's own `resume`, `start` or `discard` threw, which is the `cause` then, it is as that hook left it.
 */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  readonly reason: MigrationFailure;
  /** RAM that was not equal, as far as it is known: the first ranges of it. Empty unless digests differed. */
  readonly unequal: readonly UnequalRange[];
  /** @internal What the peer may be told. Nothing that a hook has thrown or returned: it is this side's own business. */
  readonly told: string;

  /** @internal */
  constructor(reason: MigrationFailure, message: string, { told = message, unequal = [], ...options }: Details = {}) {
    super(message, options);
    this.reason = reason;
    this.told = told;
    this.unequal = unequal;
  }
}

/** @returns the error, if it is a migration's already, or one with it as its cause */
export function asFailure(error: unknown, reason: MigrationFailure, what: string): MigrationError {
  return error instanceof MigrationError ? error : failureOf(error, reason, what);
}

/** @param what is all that the peer is told. @returns an error with the cause's message in its own */
export function failureOf(cause: unknown, reason: MigrationFailure, what: string): MigrationError {
  return new MigrationError(reason, `${what}: ${printable(messageOf(cause), LONGEST_CAUSE)}`, { cause, told: what });
}

/** The source, which need not be one of ours, has not kept to the protocol. */
export function breach(what: string): MigrationError {
  return new MigrationError('protocol', `protocol violation by the source: ${what}`);
}
