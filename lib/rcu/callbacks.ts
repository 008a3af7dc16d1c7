/**
 * Functions that wait for grace periods on the owner's thread, in the order of their arrival. Cookies never decrease
 * along a queue, so the front entry is always the first to be ready.
 *
 * The engine's own entries (freeing, cleaning, putting back) run as soon as the owner learns of the period's end, at
 * the start of an owner's step at the latest. The embedder's callbacks run only in a turn of their own: they may plug,
 * harvest or throw.
 */
import { throwInOwnTurn } from '../base/errors.js';

interface Entry {
  readonly cookie: number;
  readonly run: () => void;
}

export class CallbackQueue {
  private entries: Entry[] = [];
  private next = 0;

  get length(): number {
    return this.entries.length - this.next;
  }

  push(cookie: number, run: () => void): void {
    this.entries.push({ cookie, run });
  }

  /** Is there an entry whose period has ended? */
  isReady(completed: number): boolean {
    const entry = this.entries[this.next];
    return entry !== undefined && entry.cookie <= completed;
  }

  /**
   * Runs all entries that are ready. An entry that throws does not stop the others.
   * @param onError receives the error that an entry threw. Default: the error becomes the host's uncaught error
   */
  run(completed: number, onError: (error: unknown) => void = throwInOwnTurn): void {
    while (this.isReady(completed)) {
      const entry = this.entries[this.next++] as Entry;
      try {
        entry.run();
      } catch (error) {
        onError(error);
      }
    }
    if (this.next > 0 && this.next * 2 >= this.entries.length) {
      this.entries = this.entries.slice(this.next);
      this.next = 0;
    }
  }
}
