/**
 * Auto-converge: while the guest dirties pages about as fast as they can be sent, a growing share of their time is
 * taken from its vCPUs (QEMU: migration_trigger_throttle).
 */

/** The guest is too fast when it dirties pages faster than this share of the transfer's speed. */
const TOO_FAST = 0.5;
/** How many rounds in a row must be too fast before more is taken from the vCPUs. */
const PATIENCE = 2;
const FIRST = 0.2;
const STEP = 0.1;
const MOST = 0.99;
/** How many rounds in a row may be too fast when no more can be taken, before the migration may fail. */
const LAST_ROUNDS = 10;

export class Convergence {
  /** May a share of their time be taken from the vCPUs? */
  readonly enabled: boolean;
  private readonly apply: (share: number | undefined, bytesPerSecond: number) => void | Promise<void>;
  private readonly patienceMs: number;
  private rounds = 0;
  private taken = 0;
  /** When the share was last raised, in `performance.now()` milliseconds. */
  private mostSince = 0;

  /**
   * @param apply takes a share of their time from the vCPUs, or gives all of it back; it also receives the transfer's
   *   speed
   * @param patienceMs how long the guest may be too fast when no more can be taken
   */
  constructor(
    enabled: boolean,
    apply: (share: number | undefined, bytesPerSecond: number) => void | Promise<void>,
    patienceMs: number,
  ) {
    this.enabled = enabled;
    this.apply = apply;
    this.patienceMs = patienceMs;
  }

  /** The share of the vCPUs' time that is taken from them. */
  get share(): number {
    return this.taken;
  }

  /** Is the guest too fast, or has it been slowed down because it was? */
  get isTooFast(): boolean {
    return this.rounds > 0 || this.taken > 0;
  }

  /**
   * To be called after a round. Takes more from the vCPUs if necessary.
   * @param dirtied how fast the guest dirties RAM, in bytes a second
   * @param sent how fast RAM is sent, in bytes a second
   * @returns false when the guest has been too fast for too long although no more can be taken
   */
  async judge(dirtied: number, sent: number): Promise<boolean> {
    this.rounds = sent > 0 && dirtied > sent * TOO_FAST ? this.rounds + 1 : 0;
    if (!this.enabled || this.rounds < PATIENCE) return true;
    const now = performance.now();
    if (this.taken === MOST) return this.rounds < LAST_ROUNDS || now - this.mostSince < this.patienceMs;
    this.rounds = 0;
    this.taken = this.taken === 0 ? FIRST : Math.min(MOST, this.taken + STEP);
    this.mostSince = now;
    await this.apply(this.taken, sent);
    return true;
  }

  /** Gives the vCPUs their time back. */
  async release(): Promise<void> {
    if (this.taken === 0) return;
    this.taken = 0;
    await this.apply(undefined, 0);
  }
}
