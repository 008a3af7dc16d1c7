/** Where a new RAM block goes when its place is not given (QEMU: find_ram_offset). */
import type { PageRange } from '../dirty/page-range.js';

/** Words of 64 pages are shared by no two blocks that are placed here, as upstream has it. */
const ALIGNMENT = 64;

/**
 * The smallest hole that fits, the lowest of equals. Unlike upstream's, the hole before the first block counts.
 * @param taken ascending and disjoint
 * @returns the first page, a multiple of 64, or undefined when no hole fits
 */
export function placeRam(taken: Iterable<PageRange>, pages: number, maxPages: number): number | undefined {
  let best: number | undefined;
  let bestRoom = Infinity;
  let candidate = 0;
  const consider = (end: number): void => {
    const room = end - candidate;
    if (room < pages || room >= bestRoom) return;
    best = candidate;
    bestRoom = room;
  };
  for (const range of taken) {
    consider(range.first);
    candidate = Math.ceil(range.end / ALIGNMENT) * ALIGNMENT;
  }
  consider(maxPages);
  return best;
}
