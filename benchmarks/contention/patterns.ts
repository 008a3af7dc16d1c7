/**
 * The patterns of pages that vCPUs mark, which differ in how vCPUs share the pages. A sequence is computed before
 * anything is timed. It depends on the pattern, the vCPU and the number of vCPUs, but not on the design.
 */
import { randomPages } from '../subjects/pages.js';
import { BLOCK_PAGES } from './shape.js';

export const PATTERNS = {
  'own-block': 'random pages, a bitmap block each',
  'shared-block': 'random pages of one block, shared by all',
  'same-word': 'random pages of one 32-bit word, shared by all',
  'same-line': 'random pages of a word each, in one cache line',
  zipf: 'pages of one block by a Zipf distribution, shared by all',
  sequential: 'pages in order, a block each',
  dma: 'ranges of 200 pages, anywhere in one block, shared by all',
} as const;

export type Pattern = keyof typeof PATTERNS;
export const PATTERN_NAMES = Object.keys(PATTERNS) as Pattern[];

/** Pages that a vCPU marks between two quiescent states. */
export const SLICE = 200;
export const SEQUENCE = 40 * SLICE;
/** @returns whether the pages of a slice are one run, marked by one call, as by a device's DMA */
export const marksRanges = (pattern: Pattern): boolean => pattern === 'dma';

const WORDS_A_LINE = 16;
const SEED = 2463534242;

export function pagesOf(pattern: Pattern, vcpu: number, skew: number): Int32Array {
  const random = (end: number): Int32Array => randomPages(SEQUENCE, end, SEED + 97 * vcpu);
  const own = vcpu * BLOCK_PAGES;
  switch (pattern) {
    case 'own-block':
      return random(BLOCK_PAGES).map((page) => own + page);
    case 'shared-block':
      return random(BLOCK_PAGES);
    case 'same-word':
      return random(32);
    case 'same-line':
      return random(32).map((bit) => (vcpu % WORDS_A_LINE) * 32 + bit);
    case 'zipf':
      return random(2 ** 30).map(zipf(skew));
    case 'sequential':
      return Int32Array.from({ length: SEQUENCE }, (_, i) => own + i);
    case 'dma': {
      const starts = random(BLOCK_PAGES - SLICE);
      return starts.map((_, i) => (starts[Math.floor(i / SLICE)] as number) + (i % SLICE));
    }
  }
}

const RANKS = 2 ** 14;

/** Turns uniform numbers below 2^30 into pages. Pages of neighbouring ranks do not lie side by side. */
function zipf(skew: number): (uniform: number) => number {
  const sums = new Float64Array(RANKS);
  let sum = 0;
  for (let rank = 0; rank < RANKS; rank++) {
    sum += (rank + 1) ** -skew;
    sums[rank] = sum;
  }
  return (uniform) => {
    const wanted = (uniform / 2 ** 30) * sum;
    let [low, high] = [0, RANKS - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return Math.imul(low, 2654435761) & (BLOCK_PAGES - 1);
  };
}
