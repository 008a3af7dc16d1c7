/** Random pages and addresses, computed before anything is timed: regular ones are learnt by the prefetcher. */

export const PAGE_SIZE = 4096;

/** What one bitmap block of default size stands for. */
export const BLOCK_PAGES = 2 ** 21;
export const BLOCK_BYTES = BLOCK_PAGES * PAGE_SIZE;
export const BLOCK_WORDS = BLOCK_PAGES / 32;

/** Marsaglia's xorshift32; the same sequence in every run. @returns unsigned 32-bit numbers */
function xorshift(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** @returns page numbers below `end`, some of them more than once */
export function randomPages(count: number, end: number, seed = 2463534242): Int32Array {
  const next = xorshift(seed);
  return Int32Array.from({ length: count }, () => next() % end);
}

/** @returns page numbers below `end`, none of them twice */
export function distinctPages(count: number, end: number, seed = 2463534242): Int32Array {
  const next = xorshift(seed);
  const pages = new Set<number>();
  while (pages.size < count) pages.add(next() % end);
  return Int32Array.from(pages);
}

/** @returns for each page an address in it */
export function addressesIn(pages: Int32Array, seed = 88172645): Float64Array {
  const next = xorshift(seed);
  return Float64Array.from(pages, (page) => page * PAGE_SIZE + (next() % PAGE_SIZE));
}
