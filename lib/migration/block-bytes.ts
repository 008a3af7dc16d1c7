/** The bytes of a RAM block, as the embedder's hooks give them. */
import { wrongBytes } from '../machine/returned.js';
import type { Side } from './arbiter.js';
import { MigrationError } from './migration-error.js';

/** @param what which hook should have returned them. @throws MigrationError when they are not the block's */
export function checkBlockBytes(side: Side, what: string, bytes: unknown, size: number): Uint8Array {
  const wrong = wrongBytes(what, bytes, size);
  if (wrong === undefined) return bytes as Uint8Array;
  throw new MigrationError(side, `${wrong.must}, got ${wrong.got}`, { told: wrong.must });
}
