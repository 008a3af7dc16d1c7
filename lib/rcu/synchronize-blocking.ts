/**
 * The owner's blocking wait. GP-7: the owner stores Waiting, reads the word it will wait on, scans the slots, and only
 * then waits, for that value; a reader stores its slot, loads Waiting, and if it is set changes the word before it
 * notifies. So a report that the scan missed has changed the word (the wait returns at once) or is yet to change it
 * (and will notify). Spurious notifies cost one more scan.
 */
import type { Arena } from '../arena/arena.js';
import { Header } from '../arena/layout.js';

/**
 * Blocks the calling thread until `done`, at most `timeoutMs`.
 * @param done scans; called again after every wake-up
 * @returns whether `done` returned true
 */
export function waitBlocking(arena: Arena, timeoutMs: number, done: () => boolean): boolean {
  const { words } = arena;
  const deadline = performance.now() + timeoutMs;
  try {
    for (;;) {
      // ORDER GP-7: Waiting is stored before the slots are scanned (store-load), and the word is read before them.
      // pairs with: rcu/reader.ts wakeOwner
      words.store(Header.Waiting, 1);
      const seen = words.load(Header.Wake);
      if (done()) return true;
      const left = deadline - performance.now();
      if (left <= 0) return false;
      words.wait(Header.Wake, seen, left);
    }
  } finally {
    words.store(Header.Waiting, 0);
  }
}
