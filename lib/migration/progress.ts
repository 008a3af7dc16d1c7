/** How far a migration has come, and its result. */

/**
 * `connecting` until the destination has answered; `copying` while pages are sent and the machine runs; `switching`
 * while the machine is paused and the rest is sent; `deciding` from the moment when the destination may start. If RAM
 * comes or goes while `deciding`, the source takes its machine back if it still can; otherwise the change affects a
 * machine that has gone.
 */
export type MigrationPhase = 'connecting' | 'copying' | 'switching' | 'deciding';

/** How much has been transferred so far. A page that was transferred twice counts twice. */
export interface MigrationTotals {
  /** Pages sent with their contents. */
  readonly pagesSent: number;
  /** Pages that were all zero. A run of them takes a few bytes, or none if the destination's pages are zero already. */
  readonly pagesZero: number;
  /** Dirty pages that were equal to what was sent before, and so were not sent. */
  readonly pagesUnchanged: number;
  /** Pages given away by `skip`. */
  readonly pagesSkipped: number;
  /** All bytes written to the stream. */
  readonly bytesSent: number;
}

/** What a `progress` listener receives, several times a second and at each change of phase or round. */
export interface MigrationProgress extends MigrationTotals {
  readonly phase: MigrationPhase;
  /** The number of the round: 1 while the first copy of all RAM is sent. */
  readonly round: number;
  /** Pages that are known to be dirty and not sent yet. */
  readonly remainingPages: number;
  /**
   * How fast the guest dirtied pages in the last round, without pages that are dirty because they are new. 0 in round
   * 1.
   */
  readonly dirtyPagesPerSecond: number;
  /** How fast the destination has taken bytes in the last seconds. 0 while unknown. */
  readonly bytesPerSecond: number;
  /** The downtime to expect if the machine were paused now, without verification. Infinity while unknown. */
  readonly expectedDowntimeMs: number;
  /** The share, from 0 to 1, that is taken from the vCPUs' time, or from the transfer's speed for their limit. */
  readonly throttle: number;
}

/** The result of a migration that took place. */
export interface MigrationResult extends MigrationTotals {
  /**
   * How often dirty pages were collected while the machine ran. The pages of the last time were sent while it was
   * paused.
   */
  readonly rounds: number;
  /** The time from before `pause` until the destination, or the arbiter, said that the machine runs there. */
  readonly downtimeMs: number;
  readonly totalMs: number;
  /** Were the digests of all RAM blocks compared while the machine was paused? */
  readonly verified: boolean;
  /**
   * Did the destination say that the machine runs there? If not, only the arbiter said so, and the link was lost by
   * then.
   */
  readonly confirmed: boolean;
}
