/** Whether promises have settled, and waiting for states that no promise stands for. */

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
  return new Promise((resolve) => setImmediate(resolve));
}

/** More turns than anything that is ready needs. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** Turns until the condition holds; the test's time limit is the only one. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
