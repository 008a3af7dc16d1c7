/** Turns of the event loop, in Node and in browsers, and whether a pending one keeps a Node process alive. */

export interface Scheduled {
  /** It runs as soon as the loop turns, not at a time. */
  readonly prompt: boolean;
  cancel(): void;
  /** Keep the process alive until it has run. */
  hold(): void;
}

type NodeTimer = { ref?(): void; unref?(): void };

const immediate = (globalThis as unknown as { setImmediate?: (run: () => void) => NodeTimer }).setImmediate;
const clearImmediate = (globalThis as unknown as { clearImmediate?: (timer: NodeTimer) => void }).clearImmediate;

/** After the events that are pending now, and before any timer that is not due. */
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

/** @param held keep a Node process alive until then */
export function later(run: () => void, milliseconds: number, held: boolean): Scheduled {
  const timer = setTimeout(run, milliseconds) as unknown as number & NodeTimer;
  if (!held) timer.unref?.();
  return { prompt: false, cancel: () => clearTimeout(timer), hold: () => timer.ref?.() };
}
