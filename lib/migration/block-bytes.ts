/** Checks the bytes of a RAM block that a hook of the embedder returned. */
import { wrongBytes } from '../machine/returned.js';
import type { Side } from './arbiter.js';
import { MigrationError } from './migration-error.js';

/** @param what the hook that returned the bytes. @throws MigrationError when they cannot be the bytes of the block */
export function checkBlockBytes(side: Side, what: string, bytes: unknown, size: number): Uint8Array {
  const wrong = wrongBytes(what, bytes, size);
  if (wrong === undefined) return bytes as Uint8Array;
  throw new MigrationError(side, `${wrong.must}, got ${wrong.got}`, { told: wrong.must });
}
