/** Chooses the place of a new RAM block when the embedder gives none (QEMU: find_ram_offset). */
import type { PageRange } from '../dirty/page-range.js';

/** In pages. As in QEMU, no two blocks that are placed here share a bitmap word of 64 pages. */
const ALIGNMENT = 64;

/**
 * Finds the smallest hole with enough room, and the lowest of equal holes. Unlike QEMU, this also considers the hole
 * before the first block.
 * @param taken ascending and disjoint
 * @returns the hole's first page, a multiple of 64, or undefined when no hole has enough room
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

/** @param taken ascending and disjoint. @returns the largest number of pages for which `placeRam` finds room */
export function largestHole(taken: Iterable<PageRange>, maxPages: number): number {
  let largest = 0;
  eachHole(taken, maxPages, (_, room) => {
    largest = Math.max(largest, room);
  });
  return largest;
}

/**
 * Visits the holes in ascending order. When alignment leaves nothing of a hole, its number of pages is not positive.
 * Calls are faster than a generator, which matters when a plug looks at thousands of blocks.
 */
function eachHole(taken: Iterable<PageRange>, maxPages: number, visit: (first: number, pages: number) => void): void {
  let first = 0;
  for (const range of taken) {
    visit(first, range.first - first);
    first = Math.ceil(range.end / ALIGNMENT) * ALIGNMENT;
  }
  visit(first, maxPages - first);
}
