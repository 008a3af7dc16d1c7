/**
 * Decides for how long, from the beginning of a grace period on, the owner spins before it sleeps. Spinning is
 * worthwhile as long as it takes less time than falling asleep and waking up, and when the readers have cores of their
 * own. So the spin time follows the length of the last periods for which somebody waited. When spinning was in vain,
 * the owner stops spinning, for longer each time.
 */

/** A sleep and its wake-up take some 30 us; readers that have to be asked give way, which takes as much of each. */
const MOST_MS = 0.15;
const FIRST_MS = 0.02;
const MOST_RESTS = 64;

export class SpinTime {
  /** How long to spin, from the beginning of a period on. Each wait polls at least once. */
  milliseconds = FIRST_MS;
  private failures = 0;
  /** During how many more periods the owner sleeps at once, before it tries spinning again. */
  private rests = 0;

  /** To be called when a period has ended for which somebody waited. @param slept true when the owner slept in it */
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
