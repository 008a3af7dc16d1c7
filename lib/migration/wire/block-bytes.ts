/** Checks the bytes of a RAM block that a hook of the embedder returned. */
import { isUint8Array } from '../../base/brands.js';
import { show } from '../../base/errors.js';
import type { Side } from '../arbiter.js';
import { MigrationError } from '../migration-error.js';
import { printable } from '../printable.js';

/** Messages show at most this many UTF-16 units of a wrong value. */
const LONGEST_SHOWN = 100;

/** @param what the hook that returned the bytes. @throws MigrationError when they cannot be the bytes of the block */
export function checkBlockBytes(side: Side, what: string, bytes: unknown, size: number): Uint8Array {
  if (isUint8Array(bytes) && bytes.length === size && bytes.byteOffset % 4 === 0) return bytes;
  const shown = isUint8Array(bytes) ? `${bytes.length} at ${bytes.byteOffset}` : show(bytes);
  const must = `${what} must return a Uint8Array of ${size} bytes at a multiple of 4`;
  throw new MigrationError(side, `${must}, got ${printable(shown, LONGEST_SHOWN)}`, { told: must });
}
