/** Checks the values that hooks return. */
import { isUint8Array } from '../base/brands.js';
import { show, wrongType } from '../base/errors.js';
import { printable } from '../base/printable.js';

/** Messages show at most this many UTF-16 units of a wrong value. */
const LONGEST_SHOWN = 100;

/** Describes a wrong value that a hook has returned instead of a block's bytes. */
export interface WrongBytes {
  /** What the hook must return. */
  readonly must: string;
  readonly got: string;
}

/** @param what the hook, for the message. @returns undefined when the value can be the block's bytes */
export function wrongBytes(what: string, bytes: unknown, size: number): WrongBytes | undefined {
  if (isUint8Array(bytes) && bytes.length === size && bytes.byteOffset % 4 === 0) return undefined;
  const shown = isUint8Array(bytes) ? `${bytes.length} at ${bytes.byteOffset}` : show(bytes);
  const must = `${what} must return a Uint8Array of ${size} bytes at a multiple of 4`;
  return { must, got: printable(shown, LONGEST_SHOWN) };
}

/** @throws TypeError unless `state` is a Uint8Array */
export function checkState(state: unknown): Uint8Array {
  if (!isUint8Array(state)) throw wrongType('saveState', 'the state', state, 'a Uint8Array');
  return state;
}
