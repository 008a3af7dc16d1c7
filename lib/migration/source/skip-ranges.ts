/** Finds the part of a range that can be given away: whole pages of RAM that the destination knows. */
import type { Run } from '../../dirty/run-iterator.js';
import type { OutgoingRam } from './outgoing-ram.js';

/** Flags the pages as skipped. @returns their ranges in bytes, and how many pages were not skipped before */
export function skipRanges(
  ram: OutgoingRam,
  pageSize: number,
  start: number,
  length: number,
): { ranges: Run[]; pages: number } {
  const from = Math.ceil(start / pageSize) * pageSize;
  const to = Math.floor((start + length) / pageSize) * pageSize;
  const ranges: Run[] = [];
  let units = 0;
  for (const outgoing of ram) {
    const { block, skipped } = outgoing;
    const first = Math.max(from, block.offset);
    const end = Math.min(to, block.offset + block.size);
    if (first >= end || !ram.isCurrent(outgoing)) continue; // outside the range, or gone meanwhile
    ranges.push({ start: first, length: end - first });
    for (let index = (first - block.offset) / ram.unit; index < (end - block.offset) / ram.unit; index++) {
      if (!skipped.has(index)) units++;
      skipped.raise(index);
    }
  }
  return { ranges, pages: (units * ram.unit) / pageSize };
}
