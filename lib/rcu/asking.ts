/**
 * Whether the owner, when it sleeps, asks the readers to give way (GP-8: rcu/grace-period.ts). It helps where threads
 * outnumber cores, and only there; no thread can see which it is, so it is tried. Of asking and not asking, what made
 * periods shorter lately is used. The other one is tried now and then, less often each time that the trial changes
 * nothing.
 */

/**
 * A new length's weight in the mean of the logarithms: if one period in ten is 1,000 times longer, it decides nothing.
 */
const WEIGHT = 1 / 4;
/** How far the means must differ before it is worth stopping readers: periods must become half as long. */
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
