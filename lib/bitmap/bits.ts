/**
 * Arithmetic within 32-bit words, and between bit positions and words.
 *
 * A word is an int32, as an `Int32Array` gives it: bit 31 makes the word negative, and a word with all bits set is -1.
 * A position counts bits from the start of a block or bitmap and is below 2^32; an end is at most 2^32. Shifts take
 * their count modulo 32, so the functions that make masks can take positions.
 */

/** @returns index of the word that holds the bit at `position` */
export function wordOf(position: number): number {
  return position >>> 5;
}

/** @returns the bits at and above `position` in the word that holds it */
export function maskFrom(position: number): number {
  return -1 << position;
}

/** @returns the bits below `end` in the word that holds bit `end - 1`; the whole word when `end` is a multiple of 32 */
export function maskBelow(end: number): number {
  return (-1 >>> -end) | 0;
}

/** @returns how many bits of the word are set */
export function popcount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  const bytes = (nibbles + (nibbles >>> 4)) & 0x0f0f0f0f;
  // The topmost byte of the product is the sum of all four.
  return Math.imul(bytes, 0x01010101) >>> 24;
}

/** @returns index of the lowest set bit of a word that is not 0 */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/**
 * Reads bits of a little-endian bitmap (bit `n` is bit `n % 8` of byte `floor(n / 8)`). Reads only the bytes that hold
 * these bits.
 * @param count 1 to 32
 * @returns the bits `[bit, bit + count)` in the low bits of a word, whose other bits are 0
 */
export function littleEndianBits(bytes: Uint8Array, bit: number, count: number): number {
  let at = bit >>> 3;
  const skipped = bit & 7;
  let word = (bytes[at] as number) >>> skipped;
  for (let have = 8 - skipped; have < count; have += 8) {
    at += 1;
    word |= (bytes[at] as number) << have;
  }
  return word & maskBelow(count);
}
