/** Ranges of pages, and how ranges of bytes become them. */
import { checkAddress, checkInteger } from '../base/errors.js';

/** The pages `first` to `end - 1`; empty when they are equal. */
export interface PageRange {
  readonly first: number;
  readonly end: number;
}

export const EVERYTHING: PageRange = { first: 0, end: 2 ** 32 };

const MOST = Number.MAX_SAFE_INTEGER;

/**
 * Every page that the bytes `[start, start + length)` touch.
 * @throws TypeError, RangeError when `start` or `length` is negative or not an integer, or the end is past 2^53
 */
export function touchedPages(operation: string, start: unknown, length: unknown, pageSize: number): PageRange {
  const from = checkAddress(operation, 'start', start);
  const count = checkInteger(operation, 'length', length, 0, MOST - from);
  const first = Math.floor(from / pageSize);
  return { first, end: count === 0 ? first : Math.floor((from + count - 1) / pageSize) + 1 };
}

export function intersect(a: PageRange, b: PageRange): PageRange | undefined {
  const first = Math.max(a.first, b.first);
  const end = Math.min(a.end, b.end);
  return first < end ? { first, end } : undefined;
}

/**
 * Visits each bitmap block that the range overlaps, with the overlapping bits, until `visit` stops before their end.
 * @param visit returns `to` to go on, or the bit to stop at
 * @returns the page at which `visit` stopped, or the range's end
 */
export function walkBlocks(
  range: PageRange,
  pagesPerBlock: number,
  visit: (block: number, from: number, to: number) => number,
): number {
  for (let page = range.first; page < range.end; ) {
    const block = Math.floor(page / pagesPerBlock);
    const base = block * pagesPerBlock;
    const to = Math.min(range.end - base, pagesPerBlock);
    const reached = visit(block, page - base, to);
    page = base + reached;
    if (reached < to) return page;
  }
  return range.end;
}

/** As `walkBlocks`, but always visits every block. */
export function eachBlock(
  range: PageRange,
  pagesPerBlock: number,
  visit: (block: number, from: number, to: number) => void,
): void {
  walkBlocks(range, pagesPerBlock, (block, from, to) => {
    visit(block, from, to);
    return to;
  });
}
