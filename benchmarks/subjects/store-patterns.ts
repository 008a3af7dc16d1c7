/** Where the stores of a guest go, and how long they have taken. */
import { PAGE_SIZE, randomPages } from './pages.js';

export const GUEST_BYTES = 2 ** 30;
/** The stores that a thread makes in one way before it looks at the clock, some tens of microseconds or more. */
export const BATCH = 20_000;
/** A thread has stored to all addresses of a pattern after so many batches. */
export const BATCHES_OF_ALL = 50;
const STORES = BATCHES_OF_ALL * BATCH;
const WORDS_OF_PAGE = PAGE_SIZE / 4;

export const WAYS = ['mark each', 'write-TLB', 'GuestRam'] as const;
export type Way = (typeof WAYS)[number];

export interface StorePattern {
  readonly name: string;
  /** Left out: the addresses are what an interpreter computes. */
  readonly addresses?: () => Int32Array;
}

export const PATTERNS: readonly StorePattern[] = [
  { name: 'hot, 64 pages', addresses: () => scattered(randomPages(STORES, 64)) },
  { name: 'sequential', addresses: () => Int32Array.from({ length: STORES }, (_, i) => (4 * i) % 2 ** 26) },
  { name: 'random, 1 GiB', addresses: () => scattered(randomPages(STORES, GUEST_BYTES / PAGE_SIZE)) },
  { name: 'Zipf', addresses: () => scattered(zipfPages(GUEST_BYTES / PAGE_SIZE)) },
  { name: 'the loop of an interpreter' },
];

/** Random words of the pages. */
function scattered(pages: Int32Array): Int32Array {
  const words = randomPages(pages.length, WORDS_OF_PAGE, 362436069);
  return pages.map((page, i) => page * PAGE_SIZE + 4 * (words[i] as number));
}

/** A page has a share that falls with its rank, as one divided by it: half of the stores go to 512 of 2^18 pages. */
function zipfPages(pages: number): Int32Array {
  const random = randomPages(STORES, 2 ** 30);
  const spread = randomPages(pages, pages, 521288629); // so that pages of like rank do not lie together
  return random.map((number) => spread[Math.floor(pages ** (number / 2 ** 30)) - 1] as number);
}

/** Sums that a thread adds to and another reads: milliseconds of stores that mark, and of plain ones. */
export class Totals {
  private readonly sums: Float64Array<ArrayBufferLike>;

  constructor(sums: Float64Array<ArrayBufferLike> = new Float64Array(new SharedArrayBuffer(16))) {
    this.sums = sums;
  }

  get array(): Float64Array<ArrayBufferLike> {
    return this.sums;
  }

  add(marked: number, plain: number): void {
    this.sums[0] = (this.sums[0] as number) + marked;
    this.sums[1] = (this.sums[1] as number) + plain;
  }

  read(): { marked: number; plain: number } {
    return { marked: this.sums[0] as number, plain: this.sums[1] as number };
  }
}
