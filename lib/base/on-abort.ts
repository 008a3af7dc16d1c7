/**
 * Calls functions when a signal aborts, however many functions there are. Node warns of a leak when a signal has more
 * than ten listeners, but a program may well wait for more than ten things at once and abort them all by one signal. So
 * we add one listener to a signal, for as long as any function is registered.
 */

interface Ear {
  readonly acts: Set<() => void>;
  readonly hear: () => void;
}

/** The signals with registered functions. */
const ears = new WeakMap<AbortSignal, Ear>();

/**
 * Calls `act` when the signal aborts. For a signal that has already aborted `act` is never called: check `aborted`
 * first.
 * @returns a function that cancels the registration
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const { acts, hear } = ears.get(signal) ?? listenTo(signal);
  const own = (): void => act(); // a function that is registered twice is called twice
  acts.add(own);
  return () => {
    if (!acts.delete(own) || acts.size > 0) return;
    signal.removeEventListener('abort', hear);
    ears.delete(signal);
  };
}

/** Resolves when the signal aborts; at once if it has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else onAbort(signal, resolve);
  });
}

function listenTo(signal: AbortSignal): Ear {
  const acts = new Set<() => void>();
  const hear = (): void => {
    // The loop reads the live set: a function whose registration is cancelled meanwhile is not called any more.
    for (const act of acts) act();
  };
  signal.addEventListener('abort', hear);
  const ear = { acts, hear };
  ears.set(signal, ear);
  return ear;
}
