/**
 * For how long from a grace period's begin on the owner looks before it sleeps. To look is worth it as long as it takes
 * less than falling asleep and waking up, and where the readers have cores of their own; so it goes by how long the last periods
 * took that somebody waited for. Where looking was in vain it is left alone, for longer each time.
 */

/** A sleep and its wake-up take some 30 us; readers that have to be asked give way, which takes as much of each. */
const MOST_MS = 0.15;
const FIRST_MS = 0.02;
const MOST_RESTS = 64;

export class SpinTime {
  /** From a period's begin on. Each wait looks once in any case. */
  milliseconds = FIRST_MS;
  private failures = 0;
  /** So many more periods are slept through before it is tried again. */
  private rests = 0;

  /** A period that somebody waited for has ended. @param slept whether the owner slept in it */
  ended(milliseconds: number, slept: boolean): void {
    const wanted = 2 * milliseconds;
    if (!slept) {
      this.failures = 0;
      this.milliseconds = Math.min(MOST_MS, Math.max(FIRST_MS, wanted, 0.9 * this.milliseconds));
      return;
    }
    if (this.milliseconds > 0) {
      this.milliseconds = 0;
      this.rests = Math.min(2 ** this.failures++, MOST_RESTS);
    }
    if (this.rests > 0) this.rests--;
    else if (milliseconds <= MOST_MS) this.milliseconds = Math.min(MOST_MS, wanted);
  }
}
