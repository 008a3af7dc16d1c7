/** What byte ranges and blocks that an embedder names mean over the RAM of the moment; anything else is refused. */
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

  /** The range of an operation that sets bits: all of it must be RAM. @throws TypeError, RangeError */
  toMark(operation: string, start: number, length: number): PageRange {
    const range = touchedPages(operation, start, length, this.pageSize);
    if (!this.ram.populated.contains(range)) {
      throw notRam(operation, start, start + length, `are not all RAM: ${this.ram.gapIn(range)}`);
    }
    return range;
  }

  /** The range of a query or a clear: up to the end of RAM. @throws TypeError, RangeError */
  toQuery(operation: string, start: number, length: number): PageRange {
    const range = touchedPages(operation, start, length, this.pageSize);
    if (range.first < range.end && range.end * this.pageSize > this.ram.end) {
      const why = `reach past the end of RAM, ${showAddress(this.ram.end)}`;
      throw notRam(operation, start, start + length, why);
    }
    return range;
  }

  /** Where an import ends: a last host page that is larger than a page may reach past the RAM block it begins in. */
  endOfImport(start: number, end: number, hostPageSize: number): number {
    if (hostPageSize <= this.pageSize) return end;
    const block = this.ram.find(Math.max(start, end - hostPageSize));
    return block === undefined ? end : Math.min(end, block.offset + block.size);
  }

  /** The range of a block to sync. @throws TypeError, RangeError when it is not plugged, UsageError without its set */
  ofPlugged(operation: string, block: RamBlock): PageRange {
    checkRamBlock(operation, block);
    if (!this.ram.has(block)) {
      throw new RangeError(`${operation}: '${block.id}' at ${block.offset} is not plugged (any more) in this engine`);
    }
    if (block.pages.disposed) throw new UsageError(`${operation}: the page set of '${block.id}' was disposed of`);
    return block.range;
  }
}
