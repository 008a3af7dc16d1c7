/** Schedules turns of the event loop, in Node and in browsers. A pending turn may keep a Node process alive or not. */

export interface Scheduled {
  /** Is it due in the next turn of the loop, rather than at a certain time? */
  readonly prompt: boolean;
  cancel(): void;
  /** Keeps the process alive until it has run. */
  hold(): void;
}

type NodeTimer = { ref?(): void; unref?(): void };

const immediate = (globalThis as unknown as { setImmediate?: (run: () => void) => NodeTimer }).setImmediate;
const clearImmediate = (globalThis as unknown as { clearImmediate?: (timer: NodeTimer) => void }).clearImmediate;

/** Schedules `run` after the events that are pending now, and before any timer that is not due yet. */
export function soon(run: () => void): Scheduled {
  if (immediate !== undefined && clearImmediate !== undefined) {
    const timer = immediate(run);
    return { prompt: true, cancel: () => clearImmediate(timer), hold: () => {} };
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    run();
  };
  port2.postMessage(null);
  return { prompt: true, cancel: () => port1.close(), hold: () => {} };
}

/** @param held true to keep a Node process alive until `run` has been called */
export function later(run: () => void, milliseconds: number, held: boolean): Scheduled {
  const timer = setTimeout(run, milliseconds) as unknown as number & NodeTimer;
  if (!held) timer.unref?.();
  return { prompt: false, cancel: () => clearTimeout(timer), hold: () => timer.ref?.() };
}
