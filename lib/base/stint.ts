/**
 * Measures how long a task has worked without a turn of the event loop. A loop that somebody else's bytes can make
 * long checks after each step whether the stint is over, and if so rests. Then streams, timers, cancelling and all
 * other code get their turns.
 */
import { soon } from './turns.js';

const STINT_MS = 4;

export class Stint {
  private began = performance.now();

  get isOver(): boolean {
    return performance.now() - this.began >= STINT_MS;
  }

  /** Resolves in a later turn of the event loop. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => soon(resolve));
    this.began = performance.now();
  }
}
