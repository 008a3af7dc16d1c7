import type { Session } from './session.js';

/** A part of the page. It shows one session after the other. */
export interface Panel {
  /** A session has begun; the one before has ended. */
  attach(session: Session): void;
  /** Called for each frame that the browser draws. @param now as `performance.now()` */
  frame?(now: number): void;
}
