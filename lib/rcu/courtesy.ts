/**
 * Decides when, and for how long, a reader may give its core to the threads for which a grace period waits (GP-8:
 * rcu/grace-period.ts). It may do so at most once in a period, and in the long run for a tenth of its time, so that
 * neither periods in close succession nor one vCPU with long intervals stops the other vCPUs.
 */
import { Header } from '../arena/layout.js';
import type { Words } from '../arena/words.js';
import { OFFLINE } from './sequence.js';

const LONGEST_MS = 2;
/** The share of its time that a reader may sleep. */
const SHARE = 0.1;
/** The most sleep that a reader saves up for periods that follow one another closely. */
const MOST_CREDIT_MS = 10;
/** The owner polls before it sleeps (rcu/spin-time.ts). This long after a report it has done one or the other. */
const POLLING_MS = 0.3;
/**
 * An owner that has a core for itself is awake this long after the report that it slept for, which is twice what a
 * sleep and its wake-up take (rcu/spin-time.ts). If it is not, it may be waiting for the core of the reader that has
 * reported.
 */
const WAKE_UP_MS = 0.06;

export class Courtesy {
  private readonly words: Words;
  /** The number of the last period for which `mayGiveWay` has decided. */
  private decided = OFFLINE;
  /** How many milliseconds the reader might sleep at `creditAt`; negative after a sleep that took more. */
  private credit = MOST_CREDIT_MS;
  private creditAt = performance.now();
  private reportedAt = 0;

  constructor(words: Words) {
    this.words = words;
  }

  /** To be called when the reader has reported. */
  reported(): void {
    this.reportedAt = performance.now();
  }

  /** While the owner is awake: may it still be about to sleep? */
  get isOwnerPolling(): boolean {
    return performance.now() < this.reportedAt + POLLING_MS;
  }

  /** While the owner sleeps for this reader, which has woken it: has it had the time to wake up? */
  get isOwnerLate(): boolean {
    return performance.now() >= this.reportedAt + WAKE_UP_MS;
  }

  /** Decides once for each period. @param number the number of the period */
  mayGiveWay(number: number): boolean {
    if (number === this.decided) return false;
    this.decided = number;
    const now = performance.now();
    this.credit = Math.min(MOST_CREDIT_MS, this.credit + (now - this.creditAt) * SHARE);
    this.creditAt = now;
    return this.credit > 0;
  }

  /**
   * Blocks until a period ends, for at most `LONGEST_MS`. The reader must be offline.
   * @param completed the value of `Header.Completed` before the sleep
   */
  sleep(completed: number): void {
    const { words } = this;
    const began = performance.now();
    words.wait(Header.Completed, completed, LONGEST_MS);
    const slept = performance.now() - began;
    // A reader that slept for longer than the period took had to wait for its core: others used it, so that part of
    // the sleep cost nothing. `Lasted` is a hint: it may belong to a later period by now.
    const inVain = words.load(Header.Completed) === completed;
    this.credit -= inVain ? slept : Math.min(slept, words.get(Header.Lasted) / 1000);
  }
}
