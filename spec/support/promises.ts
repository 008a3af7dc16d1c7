/** Whether promises have settled, and waiting for states that no promise stands for. */
import { soon } from '../../lib/base/turns.js';

export interface Tracked {
  settled: boolean;
}

/** Also keeps a rejection from being unhandled: whoever awaits the promise still gets it. */
export function track(promise: Promise<unknown>): Tracked {
  const tracked: Tracked = { settled: false };
  const settle = (): void => {
    tracked.settled = true;
  };
  promise.then(settle, settle);
  return tracked;
}

export function turn(): Promise<void> {
  return new Promise((resolve) => soon(resolve));
}

/** More turns than anything that is ready needs. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** Shorter than a test may take, so that a failed test does not go on turning for ever. */
const LIMIT_MS = 60_000;

/** Turns until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${LIMIT_MS} ms: ${condition}`);
    await turn();
  }
}
