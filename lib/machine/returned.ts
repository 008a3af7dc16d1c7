/** What hooks return. */
import { isUint8Array } from '../base/brands.js';
import { show, wrongType } from '../base/errors.js';
import { printable } from '../base/printable.js';

/** In UTF-16 units, of what was returned instead. */
const LONGEST_SHOWN = 100;

/** What a hook has returned in the place of a block's bytes. */
export interface WrongBytes {
  /** What it should have returned. */
  readonly must: string;
  readonly got: string;
}

/** @param what which hook it is. @returns undefined when they are the block's bytes */
export function wrongBytes(what: string, bytes: unknown, size: number): WrongBytes | undefined {
  if (isUint8Array(bytes) && bytes.length === size && bytes.byteOffset % 4 === 0) return undefined;
  const shown = isUint8Array(bytes) ? `${bytes.length} at ${bytes.byteOffset}` : show(bytes);
  const must = `${what} must return a Uint8Array of ${size} bytes at a multiple of 4`;
  return { must, got: printable(shown, LONGEST_SHOWN) };
}

/** @throws TypeError unless it is bytes */
export function checkState(state: unknown): Uint8Array {
  if (!isUint8Array(state)) throw wrongType('saveState', 'the state', state, 'a Uint8Array');
  return state;
}
