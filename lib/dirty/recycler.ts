/**
 * Zeroes freed blocks when nobody waits, so that a harvest finds its spares ready, and gives them back to the heap when
 * they have not been needed for long. The operating system keeps what it has committed: memory under a
 * SharedArrayBuffer cannot be returned to it.
 */
import type { Allocator } from '../arena/allocator.js';
import { later, soon } from '../rcu/turns.js';

/** What a turn zeroes at most, or one block: some ten microseconds that a waiting caller's turn may come later. */
const WORDS_A_TURN = 2 ** 16;
const IDLE_MS = 10_000;

export class Recycler {
  private readonly allocator: Allocator;
  private readonly blocksATurn: number;
  private zeroing = false;
  private watching = false;
  private lastFree = 0;

  constructor(allocator: Allocator) {
    this.allocator = allocator;
    this.blocksATurn = Math.max(1, WORDS_A_TURN / allocator.blockWords);
    allocator.onFree = () => this.wake();
  }

  private wake(): void {
    this.lastFree = performance.now();
    if (!this.zeroing) {
      this.zeroing = true;
      soon(this.zero);
    }
    if (!this.watching) {
      this.watching = true;
      later(this.watch, IDLE_MS, false);
    }
  }

  private readonly zero = (): void => {
    this.zeroing = this.allocator.zeroSome(this.blocksATurn);
    if (this.zeroing) soon(this.zero);
  };

  private readonly watch = (): void => {
    const idle = performance.now() - this.lastFree;
    this.watching = idle < IDLE_MS;
    if (this.watching) later(this.watch, IDLE_MS - idle, false);
    else this.allocator.trim();
  };
}
