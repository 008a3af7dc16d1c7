/**
 * Zeroes freed blocks when nobody waits, so that a harvest finds its spares ready, and gives them back to the heap when
 * they have not been needed for long. The operating system keeps what it has committed: memory under a
 * SharedArrayBuffer cannot be returned to it.
 */
import type { Allocator } from '../arena/allocator.js';
import { later, type Scheduled, soon } from '../base/turns.js';

/** What a turn zeroes at most, or one block: some ten microseconds that a waiting caller's turn may come later. */
const WORDS_A_TURN = 2 ** 16;
const IDLE_MS = 10_000;

export class Recycler {
  private readonly allocator: Allocator;
  private readonly blocksATurn: number;
  private zeroing: Scheduled | undefined;
  private watching: Scheduled | undefined;
  private lastFree = 0;

  constructor(allocator: Allocator) {
    this.allocator = allocator;
    this.blocksATurn = Math.max(1, WORDS_A_TURN / allocator.blockWords);
    allocator.onFree = () => this.wake();
  }

  /** The engine is closed: no turn of its own is left that would hold it, or touch what may be another engine's by then. */
  close(): void {
    this.allocator.onFree = () => {};
    this.zeroing?.cancel();
    this.watching?.cancel();
  }

  private wake(): void {
    this.lastFree = performance.now();
    this.zeroing ??= soon(this.zero);
    this.watching ??= later(this.watch, IDLE_MS, false);
  }

  private readonly zero = (): void => {
    this.zeroing = this.allocator.zeroSome(this.blocksATurn) ? soon(this.zero) : undefined;
  };

  private readonly watch = (): void => {
    const idle = performance.now() - this.lastFree;
    this.watching = idle < IDLE_MS ? later(this.watch, IDLE_MS - idle, false) : undefined;
    if (this.watching === undefined) this.allocator.trim();
  };
}
