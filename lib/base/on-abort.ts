/**
 * Hearing of the abort of a signal, however many listen. Node warns of a leak when a signal has more than ten listeners,
 * and a program may well wait for more than ten things at once and give them all up by one signal. So a signal has one
 * listener of ours, for as long as anybody wants to hear of it.
 */

interface Ear {
  readonly acts: Set<() => void>;
  readonly hear: () => void;
}

/** Of the signals that somebody listens to. */
const ears = new WeakMap<AbortSignal, Ear>();

/**
 * Calls `act` when the signal aborts. A signal that has aborted before never says so again: ask it first.
 * @returns ends that
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const { acts, hear } = ears.get(signal) ?? listenTo(signal);
  const own = (): void => act(); // who asks twice is called twice
  acts.add(own);
  return () => {
    if (!acts.delete(own) || acts.size > 0) return;
    signal.removeEventListener('abort', hear);
    ears.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Ear {
  const acts = new Set<() => void>();
  const hear = (): void => {
    // Of the set as it is: whoever ends its listening meanwhile is not called any more.
    for (const act of acts) act();
  };
  signal.addEventListener('abort', hear);
  const ear = { acts, hear };
  ears.set(signal, ear);
  return ear;
}
