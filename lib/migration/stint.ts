/**
 * Measures how long a migration has worked without a turn of the event loop. A loop that a peer's messages can make
 * long checks after each step whether the stint is over, and if so rests. Then the stream, timers, cancelling and all
 * other code get their turns.
 */
import { soon } from '../base/turns.js';

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
