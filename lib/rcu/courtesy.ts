/**
 * When a reader may give its core away to those that a grace period waits for, and for how long (GP-8: rcu/grace-period.ts): at
 * most once a period, and for a tenth of its time, so that back-to-back periods, or one vCPU with long intervals, do not
 * stop the others.
 */
import { Header } from '../arena/layout.js';
import type { Words } from '../arena/words.js';
import { OFFLINE } from './sequence.js';

const LONGEST_MS = 2;
/** After a sleep it runs for at least so many times as long. */
const AWAKE = 9;
/** Whoever comes back so much later waited for its core: others had it, and the sleep has cost nothing. */
const QUEUED_MS = 0.5;

export class Courtesy {
  private readonly words: Words;
  /** The number of the last period for which it was decided. */
  private decided = OFFLINE;
  /** In `performance.now()` milliseconds. */
  private notBefore = 0;

  constructor(words: Words) {
    this.words = words;
  }

  /** Decides once for each period. @param number the period's */
  mayGiveWay(number: number): boolean {
    if (number === this.decided) return false;
    this.decided = number;
    return performance.now() >= this.notBefore;
  }

  /** Blocks until a period ends, or it is time to go on. The reader is offline. @param completed how many had ended */
  sleep(completed: number): void {
    const { words } = this;
    const began = performance.now();
    words.wait(Header.Completed, completed, LONGEST_MS);
    const now = performance.now();
    const slept = now - began;
    // Lasted is a hint: it may be of a later period by now.
    const inVain = words.load(Header.Completed) === completed;
    const most = inVain ? LONGEST_MS : Math.min(LONGEST_MS, words.get(Header.Lasted) / 1000);
    if (slept < most + QUEUED_MS) this.notBefore = now + AWAKE * slept;
  }
}
