/**
 * The owner's sleep until the reader for which it waits has reported (GP-7: rcu/grace-period.ts). The thread itself
 * does not block: its event loop turns, and `awake` is called.
 */
import { Header } from '../arena/layout.js';
import type { Words } from '../arena/words.js';
import type { GracePeriods } from './grace-period.js';

/** The owner wakes up after this time when no reader wakes it: the reader that it sleeps for may have died. */
export const SLEEP_MS = 16;

export class OwnerSleep {
  /** Can the host wait without blocking? */
  readonly possible: boolean;
  private readonly words: Words;
  private readonly periods: GracePeriods;
  private readonly awake: () => void;
  /** Has a reader been named whose report ends this sleep? */
  private sleeping = false;
  /** Is an asynchronous wait under way? It cannot be cancelled, so it also serves the next sleep. */
  private listening = false;

  constructor(words: Words, periods: GracePeriods, awake: () => void) {
    this.possible = words.canWaitAsync;
    this.words = words;
    this.periods = periods;
    this.awake = awake;
  }

  get asleep(): boolean {
    return this.sleeping;
  }

  /** Names a reader and sleeps. @returns false when the period waits for nobody, or the host does not wait now */
  begin(): boolean {
    const seen = this.periods.prepareSleep();
    if (seen === undefined) return false;
    if (!this.listening) {
      const woken = this.words.waitAsync(Header.Wake, seen, SLEEP_MS);
      if (woken === undefined) return false;
      this.listening = true;
      woken.then(() => {
        this.listening = false;
        this.awake();
      });
    }
    this.sleeping = true;
    return true;
  }

  /** To be called when the owner looks at the slots again, whatever woke it. @returns whether it was asleep */
  end(): boolean {
    const { sleeping } = this;
    this.sleeping = false;
    return sleeping;
  }

  /** Ends the sleep because nobody waits any more: reports need not wake the owner. */
  giveUp(): void {
    this.sleeping = false;
    this.periods.endSleep();
    this.words.notify(Header.Wake);
  }

  /** Ends the wait that is under way, so that its timer does not keep the process alive after the engine is closed. */
  close(): void {
    if (this.listening) this.words.notify(Header.Wake);
  }
}
