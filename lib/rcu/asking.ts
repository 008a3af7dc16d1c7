/**
 * Decides whether the owner, when it sleeps, asks the readers to give way (GP-8: rcu/grace-period.ts). Asking helps
 * only where threads outnumber cores. No thread can see whether they do, so both ways are tried. The way with the
 * shorter periods lately is used; the other way is tried now and then, and less often each time the trial has changed
 * nothing.
 */

/**
 * The weight of a new length in the mean of the logarithms. The logarithms keep a few very long periods from deciding.
 */
const WEIGHT = 1 / 4;
/** How much the means must differ to make stopping readers worthwhile: periods must take half the time. */
const DIFFERENCE = Math.log(2);
const FIRST_TRIAL = 8;
const LAST_TRIAL = 128;

export class Asking {
  private readonly means: { asked: number | undefined; unasked: number | undefined } = {
    asked: undefined,
    unasked: undefined,
  };
  private helps = true;
  private untilTrial = FIRST_TRIAL;
  private nextTrial = FIRST_TRIAL;

  /** Decides for the next period. @returns true to ask the readers */
  decide(): boolean {
    if (--this.untilTrial >= 0) return this.helps;
    this.untilTrial = this.nextTrial;
    return !this.helps;
  }

  /** To be called when a period has ended in which the owner slept. */
  ended(milliseconds: number, asked: boolean): void {
    const { means } = this;
    const way = asked ? 'asked' : 'unasked';
    const length = Math.log(milliseconds + 0.001);
    const mean = means[way];
    means[way] = mean === undefined ? length : mean + (length - mean) * WEIGHT;
    const helps = means.asked === undefined || means.unasked === undefined || means.asked < means.unasked - DIFFERENCE;
    if (helps !== this.helps) this.untilTrial = this.nextTrial = FIRST_TRIAL;
    else if (asked !== helps) this.nextTrial = Math.min(2 * this.nextTrial, LAST_TRIAL);
    this.helps = helps;
  }
}
