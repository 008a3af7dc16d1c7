/**
 * How far a reader is ahead of its limit: a token a page, so many a second, saved up for a tenth of one. Pages beyond what
 * was saved are a debt, which time pays off whole, however large: so the rate is held on the average whatever the reader
 * does between two looks. What sleeping overshoots is saved, and spent by running on; idleness gains no more than that.
 */

/** What may be saved: an overshoot of the host's sleep, on a busy machine. */
const SAVED_SECONDS = 0.1;

export class TokenBucket {
  private readonly perSecond: number;
  private tokens = 0;
  private counted: number;
  private at: number;

  /** @param count pages so far, modulo 2^32; @param now milliseconds */
  constructor(perSecond: number, count: number, now: number) {
    this.perSecond = perSecond;
    this.counted = count;
    this.at = now;
  }

  /** Are the pages up to `count` paid for with what was saved? Needs no clock. */
  covers(count: number): boolean {
    return this.pagesUpTo(count) <= this.tokens;
  }

  /** @returns milliseconds until the pages up to `count` are paid for; 0 when they are */
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
