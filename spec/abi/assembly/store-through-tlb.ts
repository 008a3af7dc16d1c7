// A vCPU that stores to random pages, each page's first word, through the write-TLB of docs/abi.md.
import { PAGE_SHIFT } from './engine';
import { quiescent, storeWord } from './write-tlb';

export { turned } from './guest';
export { fits } from './mark';
export { attach, beginInterval, markPage, quiescent, storeByte, storeWord } from './write-tlb';

const STORES_AN_INTERVAL: u32 = 16;

let random: u32 = 0;
let written: u32 = 0;

export function seed(value: u32): void {
  random = value;
  written = value << 24;
}

/** Intervals of stores to pages below `end`, all in one of its rows of 32 pages. */
export function run(intervals: u32, end: u32): void {
  const first = (next() % (end >>> 5)) << 5;
  for (; intervals > 0; intervals--) {
    for (let i: u32 = 0; i < STORES_AN_INTERVAL; i++) storeWord((first + (next() & 31)) << PAGE_SHIFT, ++written);
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
