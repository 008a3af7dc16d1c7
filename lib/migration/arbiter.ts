/** Who of the two machines runs, once both could. */

/** One of the two ends of a migration. */
export type Side = 'source' | 'destination';

/**
 * The first claim wins, for ever, and everyone who claims is told who won. Two machines that can lose each other cannot
 * agree without such a third: shared storage with exclusive creation, a management daemon, a database's row. It is of one
 * migration; the next needs a fresh one.
 *
 * A claim that rejects may have been heard or not, so whoever made it knows nothing: it may ask again. One that never
 * settles leaves its side waiting: give it a timeout of its own.
 */
export interface Arbiter {
  /** @returns who claimed first. */
  claim(side: Side): Promise<Side>;
}
