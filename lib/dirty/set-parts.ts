/** Finds where bits are set in RAM. */
import type { PageRanges } from './page-ranges.js';

/** @returns the first set bit of a range of bits, or its end */
export type FindSet = (from: number, to: number) => number;

/**
 * Visits the parts of RAM in a bitmap block, each from its first set bit on, until `visit` stops before the end of a
 * part. The cost depends on the set bits and not on the number of parts: parts without set bits are skipped, and so are
 * set bits outside RAM.
 * @param base the block's first page
 * @param from @param to the bits of the block to look at
 * @param visit returns its `to` to go on, or the bit to stop at
 * @returns the bit at which `visit` stopped, or `to`
 */
export function walkSetParts(
  ram: PageRanges,
  base: number,
  [from, to]: readonly [from: number, to: number],
  find: FindSet,
  visit: (from: number, to: number) => number,
): number {
  for (let bit = find(from, to); bit < to; bit = find(bit, to)) {
    const part = ram.from(base + bit);
    if (part === undefined) return to;
    if (part.first > base + bit) {
      bit = Math.min(part.first - base, to);
      continue;
    }
    const end = Math.min(part.end - base, to);
    const reached = visit(bit, end);
    if (reached < end) return reached;
    bit = end;
  }
  return to;
}
