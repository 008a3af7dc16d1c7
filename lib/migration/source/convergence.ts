/**
 * Auto-converge: while the guest dirties pages about as fast as they can be sent, its vCPUs lose a growing share of
 * their time (QEMU: migration_trigger_throttle).
 */

/** Dirtying that is faster than this share of the transfer does not let a migration end. */
const TOO_FAST = 0.5;
/** So many rounds in a row must be too fast. */
const PATIENCE = 2;
const FIRST = 0.2;
const STEP = 0.1;
const MOST = 0.99;
/** So many rounds in a row may be too fast when no more can be taken, and as long as a peer may be silent. */
const LAST_ROUNDS = 10;

export class Convergence {
  private readonly enabled: boolean;
  private readonly apply: (share: number | undefined, bytesPerSecond: number) => void | Promise<void>;
  private readonly patienceMs: number;
  private rounds = 0;
  private taken = 0;
  /** When as much was taken as can be, in `performance.now()` milliseconds. */
  private mostSince = 0;

  /**
   * @param apply takes a share of their time from the vCPUs, or gives all back; it is told how fast the transfer is
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

  /** The share of their time that is taken from the vCPUs. */
  get share(): number {
    return this.taken;
  }

  /**
   * After a round, both in bytes a second.
   * @returns whether there is still hope: the guest is slow enough, or more can be taken, or has not been for long
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
