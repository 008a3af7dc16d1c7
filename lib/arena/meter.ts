/** One reader's meter, read plainly: a hint, unless something else orders it. */
import { Header, Meter, UNLIMITED } from './layout.js';
import type { Words } from './words.js';

/** @returns pages that the slot's readers, and the code they generated, have turned dirty, modulo 2^32 */
export function countOf(words: Words, meter: number): number {
  return (words.get(meter + Meter.Dirtied) + words.get(meter + Meter.Generated)) | 0;
}

/** @returns the limit in force for the reader with that meter, in pages a second; 0 when there is none */
export function limitOf(words: Words, meter: number): number {
  const own = words.get(meter + Meter.Limit);
  return own === UNLIMITED ? 0 : own || words.get(Header.Limit);
}
