/** Two independent 32-bit hashes make the 64 bits by which states are told apart. */

/** Mixes a value into a hash; as with `mixB`, the two do not change places. */
export function mixA(hash: number, value: number): number {
  return scramble(Math.imul(hash, 0x9e3779b1) + scramble(value + 0x7f4a7c15));
}

export function mixB(hash: number, value: number): number {
  return scramble(Math.imul(hash ^ 0x5bd1e995, 0xc2b2ae35) + scramble(value ^ 0x165667b1));
}

function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}
