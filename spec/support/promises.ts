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

/** The host's, whatever a spec puts in its place. */
const { setTimeout } = globalThis;
/** The engine polls a period that takes longer by timers, of 16 ms at most; a later timer runs after them. */
const POLLED_MS = 20;

/** @param count default: more than anything that is ready needs, or that is polled */
export async function turns(count?: number): Promise<void> {
  for (let i = 0; i < (count ?? 20); i++) await turn();
  if (count === undefined) await new Promise((resolve) => setTimeout(resolve, POLLED_MS));
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
