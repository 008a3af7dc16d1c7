/** Decides which of the two machines runs when both could. */

/** One of the two ends of a migration. */
export type Side = 'source' | 'destination';

/**
 * The first claim wins for ever, and every claimant is told who won. Two machines whose connection can be lost cannot
 * agree without such a third party: shared storage with exclusive creation, a management daemon, a row in a database.
 * An arbiter serves one migration; the next migration needs a fresh one.
 *
 * When a claim rejects, the arbiter may have received it or not, so the claimant knows nothing and may ask again. A
 * claim that never settles leaves its side waiting: give it a timeout of its own.
 */
export interface Arbiter {
  /** @returns the side that claimed first */
  claim(side: Side): Promise<Side>;
}
