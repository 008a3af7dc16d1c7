import { allOnes, allZero, wordsOtherThan } from './walk';

export function findSet(block: usize, first: u32, end: u32): u32 {
  return find(block, first, end, 0);
}

export function findClear(block: usize, first: u32, end: u32): u32 {
  return find(block, first, end, -1);
}

/**
 * The range is divided into words and lines as in walk.ts. The first word is read before any line, because a search
 * that continues from the end of the previous search often finds its answer there.
 *
 * All reads of live words are hints. A position comes from one 32-bit read; a line only says which words to read.
 * @param idle the word in which there is nothing to find: 0 in a search for a set bit, -1 in a search for a clear bit
 */
// @ts-ignore: decorator
@inline
function find(block: usize, first: u32, end: u32, idle: u32): u32 {
  if (first == end) return end;
  let at = block + ((first >>> 5) << 2);
  let whole = (end >>> 5) - (first >>> 5);
  const below: u32 = ~(-1 << (end & 31));
  let found = (load<u32>(at) ^ idle) & (-1 << (first & 31));
  if (whole == 0) found &= below;
  if (found != 0) return position(block, at, found);
  if (whole == 0) return end;

  for (at += 4, whole -= 1; whole >= 16; whole -= 16, at += 64) {
    const a = v128.load(at, 0);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    if (idle == 0 ? allZero(a, b, c, d) : allOnes(a, b, c, d)) continue;
    // The bits may have turned since the line was read, so the search goes on when the words themselves show nothing.
    for (let which = wordsOtherThan(idle, a, b, c, d); which != 0; which &= which - 1) {
      const next = at + (ctz<u32>(which) << 2);
      found = load<u32>(next) ^ idle;
      if (found != 0) return position(block, next, found);
    }
  }
  for (; whole != 0; whole -= 1, at += 4) {
    found = load<u32>(at) ^ idle;
    if (found != 0) return position(block, at, found);
  }
  if (below == 0) return end;
  found = (load<u32>(at) ^ idle) & below;
  return found == 0 ? end : position(block, at, found);
}

// @ts-ignore: decorator
@inline
function position(block: usize, at: usize, found: u32): u32 {
  return (<u32>(at - block) << 3) + ctz<u32>(found);
}
