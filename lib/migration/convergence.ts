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

export class Convergence {
  private readonly enabled: boolean;
  private readonly apply: (share: number | undefined, bytesPerSecond: number) => void | Promise<void>;
  private rounds = 0;
  private taken = 0;

  /** @param apply takes a share of their time from the vCPUs, or gives all back; it is told how fast the transfer is */
  constructor(enabled: boolean, apply: (share: number | undefined, bytesPerSecond: number) => void | Promise<void>) {
    this.enabled = enabled;
    this.apply = apply;
  }

  /** The share of their time that is taken from the vCPUs. */
  get share(): number {
    return this.taken;
  }

  /** After a round, both in bytes a second. */
  async judge(dirtied: number, sent: number): Promise<void> {
    this.rounds = sent > 0 && dirtied > sent * TOO_FAST ? this.rounds + 1 : 0;
    if (!this.enabled || this.rounds < PATIENCE || this.taken === MOST) return;
    this.rounds = 0;
    this.taken = this.taken === 0 ? FIRST : Math.min(MOST, this.taken + STEP);
    await this.apply(this.taken, sent);
  }

  /** Gives the vCPUs their time back. */
  async release(): Promise<void> {
    if (this.taken === 0) return;
    this.taken = 0;
    await this.apply(undefined, 0);
  }
}
