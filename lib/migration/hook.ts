/** Calls the embedder's hooks. An error that a hook throws is a failure of the hook's side. */
import type { Side } from './arbiter.js';
import { failureOf } from './migration-error.js';

/**
 * @throws (rejects) a new MigrationError, even when the hook itself threw a MigrationError, which belongs to another
 *   migration
 */
export async function callHook<T>(side: Side, name: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw failureOf(error, side, `${name} failed`);
  }
}
