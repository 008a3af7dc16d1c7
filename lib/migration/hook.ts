/** Calling the embedder's hooks: whatever they throw is a failure of their side. */
import type { Side } from './arbiter.js';
import { failureOf } from './migration-error.js';

/** @throws (rejects) MigrationError, also when the hook threw one, of another migration, which says nothing of this one */
export async function callHook<T>(side: Side, name: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw failureOf(error, side, `${name} failed`);
  }
}
