/**
 * Zeroes freed blocks when nobody waits, so that a harvest finds spare blocks ready, and gives the blocks back to the
 * heap when they have not been needed for long. The memory stays committed: memory under a SharedArrayBuffer cannot be
 * returned to the operating system.
 */
import type { Allocator } from '../arena/allocator.js';
import { later, type Scheduled, soon } from '../base/turns.js';

/**
 * How many words one turn of the event loop zeroes, unless a single block is larger. Zeroing them takes some ten
 * microseconds, by which it may delay the turn of a waiting caller.
 */
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
    this.blocksATurn = Math.ceil(WORDS_A_TURN / allocator.blockWords);
    allocator.onFree = () => this.wake();
  }

  /**
   * Cancels the turns at `close`: a turn left would keep the engine alive, or write to what another engine may own
   * then.
   */
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
