/**
 * A token bucket that tells how far a reader is ahead of its limit. A page costs one token. Tokens arrive at the rate
 * of the limit, and tokens for up to a tenth of a second can be saved. Pages beyond the saved tokens are a debt, which
 * has to be paid off completely, however large it is. So the average rate keeps to the limit, whatever the reader does
 * between two calls. When a sleep overshoots, the reader saves tokens and spends them by running on; an idle reader
 * saves no more.
 */

/** For how long tokens may be saved: about as long as a sleep overshoots on a busy machine. */
const SAVED_SECONDS = 0.1;

export class TokenBucket {
  private readonly perSecond: number;
  private tokens = 0;
  private counted: number;
  private at: number;

  /**
   * @param count how many pages the reader has turned dirty so far, modulo 2^32
   * @param now in milliseconds
   */
  constructor(perSecond: number, count: number, now: number) {
    this.perSecond = perSecond;
    this.counted = count;
    this.at = now;
  }

  /** Do the saved tokens pay for the pages up to `count`? Needs no clock. */
  covers(count: number): boolean {
    return this.pagesUpTo(count) <= this.tokens;
  }

  /** @returns the milliseconds until the pages up to `count` are paid for; 0 when they are paid for already */
  debtMs(count: number, now: number): number {
    const earned = this.tokens + ((now - this.at) / 1000) * this.perSecond;
    this.tokens = Math.min(earned, SAVED_SECONDS * this.perSecond) - this.pagesUpTo(count);
    this.counted = count;
    this.at = now;
    return this.tokens < 0 ? (-this.tokens / this.perSecond) * 1000 : 0;
  }

  private pagesUpTo(count: number): number {
    return (count - this.counted) >>> 0;
  }
}
