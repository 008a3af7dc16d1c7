/**
 * Random pages and addresses, computed before anything is timed. They are random because the prefetcher would learn
 * regular ones.
 */

export const PAGE_SIZE = 4096;

/** Pages of one bitmap block of default size. */
export const BLOCK_PAGES = 2 ** 21;
export const BLOCK_BYTES = BLOCK_PAGES * PAGE_SIZE;
export const BLOCK_WORDS = BLOCK_PAGES / 32;

/**
 * Marsaglia's xorshift32, with the same sequence in every run.
 * @returns a function that returns unsigned 32-bit numbers
 */
function xorshift(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** @returns page numbers below `end`, some of which may occur more than once */
export function randomPages(count: number, end: number, seed = 2463534242): Int32Array {
  const next = xorshift(seed);
  return Int32Array.from({ length: count }, () => next() % end);
}

/** @returns different page numbers below `end` */
export function distinctPages(count: number, end: number, seed = 2463534242): Int32Array {
  const next = xorshift(seed);
  const pages = new Set<number>();
  while (pages.size < count) pages.add(next() % end);
  return Int32Array.from(pages);
}

/** @returns a random address in each of the pages */
export function addressesIn(pages: Int32Array, seed = 88172645): Float64Array {
  const next = xorshift(seed);
  return Float64Array.from(pages, (page) => page * PAGE_SIZE + (next() % PAGE_SIZE));
}
