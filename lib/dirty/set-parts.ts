/** Where bits are set and there is RAM. */
import type { PageRanges } from './page-ranges.js';

/** @returns the first set bit of a range of bits, or its end */
export type FindSet = (from: number, to: number) => number;

/**
 * Visits the parts of RAM in a bitmap block, each from its first set bit on, until `visit` stops short. Costs what is set and
 * not what there is: parts without set bits are passed over, and so are set bits where there is no RAM.
 * @param base the block's first page
 * @param from @param to bits of the block
 * @param visit returns `to` to go on, or the bit to stop at
 * @returns the bit that was stopped at, or `to`
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
    if (part === undefined || part.first >= base + to) return to;
    if (part.first > base + bit) {
      bit = part.first - base;
      continue;
    }
    const end = Math.min(part.end - base, to);
    const reached = visit(bit, end);
    if (reached < end) return reached;
    bit = end;
  }
  return to;
}
