/**
 * What the threads did before a violation: the engine records while the run goes on (`dirtymem/trace`), and whoever finds
 * something wrong stops the recording at once, so that nothing is overwritten while the run ends.
 */
import type { ArenaHandle } from '../arena/arena.js';
import { Trace, type TraceEvent } from '../trace/index.js';

/** How many events of each thread are kept. */
export const BLACK_BOX_EVENTS = 1024;

/** To be called by the thread that has found something wrong. Does nothing when the engine does not record. */
export function freeze(handle: ArenaHandle): void {
  if (handle.trace !== undefined) Trace.open(handle).pause();
}

/** The last events of all threads, in the order of time. Empty when the engine does not record. */
export function lastEvents(handle: ArenaHandle): readonly TraceEvent[] {
  return handle.trace === undefined ? [] : Trace.open(handle).take();
}
