/** Waits for a promise, up to a time limit. */
import { setTimeout as sleep } from 'node:timers/promises';

/** @returns what the promise resolves to, or `'late'` after the time limit */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
  const over = new AbortController();
  const late = sleep(ms, 'late' as const, { signal: over.signal });
  late.catch(() => {}); // the timer is aborted when the promise settles first
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
