/** The owner's blocking wait (GP-7: rcu/grace-period.ts). */
import { Header } from '../arena/layout.js';
import type { Words } from '../arena/words.js';
import type { GracePeriods } from './grace-period.js';

/**
 * Blocks the calling thread until `done` returns true, for at most `timeoutMs`.
 * @param done polls; called again after every wake-up
 * @returns whether `done` returned true
 */
export function waitBlocking(words: Words, periods: GracePeriods, timeoutMs: number, done: () => boolean): boolean {
  const deadline = performance.now() + timeoutMs;
  try {
    while (!done()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      const seen = periods.prepareSleep();
      if (seen !== undefined) words.wait(Header.Wake, seen, left);
    }
    return true;
  } finally {
    periods.endSleep();
  }
}
