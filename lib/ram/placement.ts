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
  eachHole(taken, maxPages, (first, room) => {
    if (room < pages || room >= bestRoom) return;
    best = first;
    bestRoom = room;
  });
  return best;
}

/** @param taken ascending and disjoint. @returns the most pages that `placeRam` would find room for */
export function largestHole(taken: Iterable<PageRange>, maxPages: number): number {
  let largest = 0;
  eachHole(taken, maxPages, (_, room) => {
    largest = Math.max(largest, room);
  });
  return largest;
}

/** Ascending; one that alignment leaves nothing of is not positive. Calls, since a plug among thousands of blocks waits for it. */
function eachHole(taken: Iterable<PageRange>, maxPages: number, visit: (first: number, pages: number) => void): void {
  let first = 0;
  for (const range of taken) {
    visit(first, range.first - first);
    first = Math.ceil(range.end / ALIGNMENT) * ALIGNMENT;
  }
  visit(first, maxPages - first);
}
