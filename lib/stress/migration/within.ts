/** A promise that must settle in time. */
import { setTimeout as sleep } from 'node:timers/promises';

/** @returns what it resolves to, or `'late'` */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
  const over = new AbortController();
  const late = sleep(ms, 'late' as const, { signal: over.signal });
  late.catch(() => {}); // aborted: it is over
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
