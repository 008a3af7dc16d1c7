/**
 * How long, from the beginning of a grace period, the owner polls the slots before it sleeps. Polling pays if it
 * takes less than falling asleep and waking up, and if the readers have cores of their own. So it depends on the
 * lengths of the last periods that somebody waited for. After polling in vain the next periods are not polled, more
 * of them each time.
 */

/** A sleep and its wake-up take some 30 us; readers that have to be asked give way, which takes as much of each. */
const MOST_MS = 0.15;
const FIRST_MS = 0.02;
const MOST_RESTS = 64;
/** A period of up to this length may owe most of it to the owner's sleep, and might have been polled to its end. */
const WORTH_TRYING_MS = 0.6;

export class SpinTime {
  /** Counted from the beginning of a period. Each wait polls once in any case. */
  milliseconds = FIRST_MS;
  private failures = 0;
  /** How many more periods are slept through before polling is tried again. */
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
    else if (milliseconds <= WORTH_TRYING_MS) this.milliseconds = Math.min(MOST_MS, wanted);
  }
}
