import { allZero, wordsOtherThan } from './walk';

/**
 * A run begins or ends at each bit that differs from the bit below it. The result is these positions, one after the
 * other. A word that only repeats the bit before it, whether the word is empty or full, has no such position; after
 * such a word the loop looks at whole lines.
 */
export function extractRuns(block: usize, first: u32, end: u32, into: usize, capacity: u32): u32 {
  if (first == end) return 0;
  let at = block + ((first >>> 5) << 2);
  let left = ((end - 1) >>> 5) - (first >>> 5);
  let mask: u32 = -1 << (first & 31);
  let before: u32 = 0;
  let to = into;
  const limit = into + (capacity << 3);
  for (; ; left -= 1, at += 4) {
    if (left == 0) mask &= <u32>-1 >>> (-end & 31);
    const bits = load<u32>(at) & mask;
    for (let edges = bits ^ ((bits << 1) | (before & 1)); edges != 0; edges &= edges - 1) {
      store<u32>(to, (<u32>(at - block) << 3) + ctz<u32>(edges));
      to += 4;
      if (to == limit) return capacity;
    }
    const repeats = bits == before;
    before = <u32>(<i32>bits >> 31);
    if (left == 0) break;
    mask = -1;
    if (!repeats) continue;
    const idle = i32x4.splat(before);
    for (; left > 16; left -= 16, at += 64) {
      const a = v128.load(at, 4);
      const b = v128.load(at, 20);
      const c = v128.load(at, 36);
      const d = v128.load(at, 52);
      if (allZero(v128.xor(a, idle), v128.xor(b, idle), v128.xor(c, idle), v128.xor(d, idle))) continue;
      const same = ctz<u32>(wordsOtherThan(before, a, b, c, d));
      left -= same;
      at += same << 2;
      break;
    }
  }
  if (before != 0) {
    store<u32>(to, end);
    to += 4;
  }
  return <u32>(to - into) >>> 3;
}
