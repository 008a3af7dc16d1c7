/**
 * How long somebody has worked without a turn of the event loop. Whoever works in a loop that somebody else's bytes may make long asks
 * after each step whether the stint is over, and rests if it is: then streams, timers, cancelling and everybody else have their turn.
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
