/** Reads one reader's meter plainly. The result is a hint, unless something else orders the read. */
import { Header, Meter, UNLIMITED } from './layout.js';
import type { Words } from './words.js';

/** @returns how many pages the slot's readers, and the code they generated, have turned dirty, modulo 2^32 */
export function countOf(words: Words, meter: number): number {
  return (words.get(meter + Meter.Dirtied) + words.get(meter + Meter.Generated)) | 0;
}

/** @returns the limit in force for the reader with this meter, in pages a second; 0 when there is no limit */
export function limitOf(words: Words, meter: number): number {
  const own = words.get(meter + Meter.Limit);
  return own === UNLIMITED ? 0 : own || words.get(Header.Limit);
}
