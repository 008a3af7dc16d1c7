/**
 * Decides when, and for how long, a reader may give its core to the readers for which a grace period waits (GP-8:
 * rcu/grace-period.ts). It may do so at most once in a period, and for a tenth of its time, so that neither periods in
 * close succession nor one vCPU with long intervals stops the other vCPUs.
 */
import { Header } from '../arena/layout.js';
import type { Words } from '../arena/words.js';
import { OFFLINE } from './sequence.js';

const LONGEST_MS = 2;
/** After a sleep the reader runs for at least this many times as long as it slept. */
const AWAKE = 9;
/** A reader that wakes up this much too late had to wait for its core: others used it, so the sleep cost nothing. */
const QUEUED_MS = 0.5;

export class Courtesy {
  private readonly words: Words;
  /** The number of the last period for which `mayGiveWay` has decided. */
  private decided = OFFLINE;
  /** The reader must not sleep again before this time, in `performance.now()` milliseconds. */
  private notBefore = 0;

  constructor(words: Words) {
    this.words = words;
  }

  /** Decides once for each period. @param number the number of the period */
  mayGiveWay(number: number): boolean {
    if (number === this.decided) return false;
    this.decided = number;
    return performance.now() >= this.notBefore;
  }

  /**
   * Blocks until a period ends, for at most `LONGEST_MS`. The reader must be offline.
   * @param completed the value of `Header.Completed` before the sleep
   */
  sleep(completed: number): void {
    const { words } = this;
    const began = performance.now();
    words.wait(Header.Completed, completed, LONGEST_MS);
    const now = performance.now();
    const slept = now - began;
    // `Lasted` is a hint: it may belong to a later period by now.
    const inVain = words.load(Header.Completed) === completed;
    const most = inVain ? LONGEST_MS : Math.min(LONGEST_MS, words.get(Header.Lasted) / 1000);
    if (slept < most + QUEUED_MS) this.notBefore = now + AWAKE * slept;
  }
}
