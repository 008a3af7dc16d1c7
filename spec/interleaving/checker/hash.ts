/** Two independent 32-bit hashes make the 64 bits by which states are told apart. */

const A = 0x9e3779b1;
const B = 0x85ebca6b;

export function mixA(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, A);
  return Math.imul(mixed ^ (mixed >>> 15), B) ^ (mixed >>> 13);
}

export function mixB(hash: number, value: number): number {
  const mixed = Math.imul(hash + value, 0xc2b2ae35) ^ value;
  return Math.imul(mixed ^ (mixed >>> 16), 0x27d4eb2f) ^ (mixed >>> 14);
}
