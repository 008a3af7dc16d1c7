/** Why a migration failed, and what is true of the machine then. */
import { show } from '../errors.js';

/**
 * What went wrong: `cancelled` by this side's signal or `cancel`; the `link` was cut; nothing came over it for `stallMs`
 * (`timeout`); something came that is not the `protocol`; RAM was not equal at the end (`mismatch`); a hook or the engine
 * of one side threw (`source`, `destination`); or it is not known whether the other machine runs (`undecided`).
 */
export type MigrationFailure =
  | 'cancelled'
  | 'link'
  | 'timeout'
  | 'protocol'
  | 'mismatch'
  | 'source'
  | 'destination'
  | 'undecided';

/**
 * A migration did not take place. Of the source: its machine runs as before, and may be migrated again; of the
 * destination: what had arrived was discarded.
 *
 * Two cases are otherwise. With the reason `undecided` a source is still paused and a destination holds the whole machine,
 * neither started nor discarded: ask the arbiter, or look, and then either run it or give it up. When the machine's
 * own `resume`, `start` or `discard` threw, which is the `cause` then, it is as that hook left it.
 */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  readonly reason: MigrationFailure;

  constructor(reason: MigrationFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** @returns the error, if it is a migration's already, or one with it as its cause */
export function asFailure(error: unknown, reason: MigrationFailure, what: string): MigrationError {
  return error instanceof MigrationError ? error : failureOf(error, reason, what);
}

/** @returns an error with it as its cause */
export function failureOf(cause: unknown, reason: MigrationFailure, what: string): MigrationError {
  const message = cause instanceof Error ? cause.message : show(cause);
  return new MigrationError(reason, `${what}: ${message}`, { cause });
}
