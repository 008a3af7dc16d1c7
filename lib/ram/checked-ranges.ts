/**
 * Checks byte ranges and blocks from the embedder against the RAM that is plugged now, and translates them to pages.
 */
import { notRam, showAddress, UsageError } from '../base/errors.js';
import { type PageRange, touchedPages } from '../dirty/page-range.js';
import { checkRamBlock, type RamBlock } from './ram-block.js';
import type { RamList } from './ram-list.js';

export class CheckedRanges {
  private readonly ram: RamList;
  private readonly pageSize: number;

  constructor(ram: RamList, pageSize: number) {
    this.ram = ram;
    this.pageSize = pageSize;
  }

  /** Checks the range of an operation that sets bits: the whole range must be RAM. @throws TypeError, RangeError */
  toMark(operation: string, start: number, length: number): PageRange {
    const range = touchedPages(operation, start, length, this.pageSize);
    if (!this.ram.populated.contains(range)) {
      throw notRam(operation, start, start + length, `are not all RAM: ${this.ram.gapIn(range)}`);
    }
    return range;
  }

  /** Checks the range of a query or a clear: it must not reach past the end of RAM. @throws TypeError, RangeError */
  toQuery(operation: string, start: number, length: number): PageRange {
    const range = touchedPages(operation, start, length, this.pageSize);
    if (range.first < range.end && range.end * this.pageSize > this.ram.end) {
      const why = `reach past the end of RAM, ${showAddress(this.ram.end)}`;
      throw notRam(operation, start, start + length, why);
    }
    return range;
  }

  /** @returns where an import ends: when host pages are larger than pages, the last may reach past its RAM block */
  endOfImport(start: number, end: number, hostPageSize: number): number {
    if (hostPageSize <= this.pageSize) return end;
    const block = this.ram.find(Math.max(start, end - hostPageSize));
    return block === undefined ? end : Math.min(end, block.offset + block.size);
  }

  /**
   * Checks a block to sync. @returns its range
   * @throws TypeError; RangeError when the block is not plugged; UsageError when its page set was disposed of
   */
  ofPlugged(operation: string, block: RamBlock): PageRange {
    checkRamBlock(operation, block);
    if (!this.ram.has(block)) {
      throw new RangeError(`${operation}: '${block.id}' at ${block.offset} is not plugged (any more) in this engine`);
    }
    if (block.pages.disposed) throw new UsageError(`${operation}: the page set of '${block.id}' was disposed of`);
    return block.range;
  }
}
