/** How far a migration is. */

/**
 * `connecting` until the destination has answered; `copying` while the machine runs; `switching` while it is paused and the
 * rest goes over; `deciding` from the moment on from which the destination may start. RAM that comes or goes from then
 * on makes the source take its machine back, if it still can; otherwise the change is one of a machine that is gone.
 */
export type MigrationPhase = 'connecting' | 'copying' | 'switching' | 'deciding';

/** What has gone over so far. A page that went over twice counts twice. */
export interface MigrationTotals {
  /** With their contents. */
  readonly pagesSent: number;
  /** All zero: told in a few bytes a run, or not at all where the destination's are. */
  readonly pagesZero: number;
  /** Dirty, but equal to what was sent: not sent. */
  readonly pagesUnchanged: number;
  /** Given away by `skip`. */
  readonly pagesSkipped: number;
  /** All that was written to the stream. */
  readonly bytesSent: number;
}

/** What a `progress` listener gets, several times a second and at each change of phase or round. */
export interface MigrationProgress extends MigrationTotals {
  readonly phase: MigrationPhase;
  /** 1 while the first copy of all RAM goes over. */
  readonly round: number;
  /** Known to be dirty and not yet sent. */
  readonly remainingPages: number;
  /** Of the last round; the pages that are dirty because they are new are not in it. 0 in the first. */
  readonly dirtyPagesPerSecond: number;
  /** What the destination has taken, over the last seconds. 0 while unknown. */
  readonly bytesPerSecond: number;
  /** If the machine were paused now, without the verification. Infinity while unknown. */
  readonly expectedDowntimeMs: number;
  /** The share of their time that is taken from the vCPUs, from 0 to 1. */
  readonly throttle: number;
}

/** A migration that took place. */
export interface MigrationResult extends MigrationTotals {
  /** How often dirty pages were collected while the machine ran; what the last one found went over while it stood still. */
  readonly rounds: number;
  /** From before `pause` until the destination said that it runs, or the arbiter did. */
  readonly downtimeMs: number;
  readonly totalMs: number;
  /** The RAM blocks' digests were compared with the machine paused. */
  readonly verified: boolean;
  /** The destination said that it runs. Otherwise only the arbiter says so: the link was gone by then. */
  readonly confirmed: boolean;
}
