// A vCPU that stores to random pages, each page's first word, and marks them. Guest RAM lies at the memory's start.
import { PAGE_SHIFT } from './engine';
import { block0, block1, block2, firstPage, isDirtyForAll, mark, pages, quiescent } from './mark';

export { attach, beginInterval, fits, quiescent } from './mark';

const MARKS_AN_INTERVAL: u32 = 16;

let random: u32 = 0;
let written: u32 = 0;
let turned0: u32 = 0;
let turned1: u32 = 0;
let turned2: u32 = 0;

/** How often this thread was told of a page, for the client of the root. */
export function turned(root: u32): u32 {
  return root == 0 ? turned0 : root == 1 ? turned1 : turned2;
}

export function seed(value: u32): void {
  random = value;
  written = value << 24;
}

/** @returns the mask of clients for which the page turned dirty */
export function markPage(page: u32): u32 {
  if (isDirtyForAll(page, firstPage, pages, block0, block1, block2)) return 0;
  const turned = mark(page, 7);
  turned0 += turned & 1;
  turned1 += (turned >>> 1) & 1;
  turned2 += turned >>> 2;
  return turned;
}

/**
 * Intervals of stores to pages below `end`, all in one of its rows of 32 pages: the mark before the store, and after it,
 * in turn.
 */
export function run(intervals: u32, end: u32): void {
  const first = (next() % (end >>> 5)) << 5;
  for (; intervals > 0; intervals--) {
    for (let i: u32 = 0; i < MARKS_AN_INTERVAL; i++) {
      const page = first + (next() & 31);
      const address = page << PAGE_SHIFT;
      if (i & 1) {
        markPage(page);
        store<u32>(address, ++written);
      } else {
        store<u32>(address, ++written);
        markPage(page);
      }
    }
    quiescent();
  }
}

/** Marsaglia's xorshift32. */
function next(): u32 {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return random;
}
