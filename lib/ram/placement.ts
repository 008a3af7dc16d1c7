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
  for (const { first, end } of holes(taken, maxPages)) {
    const room = end - first;
    if (room < pages || room >= bestRoom) continue;
    best = first;
    bestRoom = room;
  }
  return best;
}

/** @param taken ascending and disjoint. @returns the most pages that `placeRam` would find room for */
export function largestHole(taken: Iterable<PageRange>, maxPages: number): number {
  let largest = 0;
  for (const { first, end } of holes(taken, maxPages)) largest = Math.max(largest, end - first);
  return largest;
}

/** Ascending; one that alignment leaves nothing of is not positive. */
function* holes(taken: Iterable<PageRange>, maxPages: number): Generator<PageRange> {
  let first = 0;
  for (const range of taken) {
    yield { first, end: range.first };
    first = Math.ceil(range.end / ALIGNMENT) * ALIGNMENT;
  }
  yield { first, end: maxPages };
}
