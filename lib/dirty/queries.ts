/**
 * The owner's queries over page ranges. A page in no RAM block is never dirty; a bit in flight counts as dirty, so that
 * a page does not look clean between a collection's clear and its delivery.
 */
import type { Geometry } from '../arena/geometry.js';
import type { Kernel } from '../bitmap/kernel.js';
import type { ClientBitmap } from './client-bitmap.js';
import type { RamWithin } from './collector.js';
import { type PageRange, walkBlocks } from './page-range.js';

export class Queries {
  private readonly kernel: Pick<Kernel, 'findSet' | 'findClear'>;
  private readonly ramWithin: RamWithin;
  private readonly pagesPerBlock: number;

  constructor(kernel: Pick<Kernel, 'findSet' | 'findClear'>, ramWithin: RamWithin, { pagesPerBlock }: Geometry) {
    this.kernel = kernel;
    this.ramWithin = ramWithin;
    this.pagesPerBlock = pagesPerBlock;
  }

  /** Is any page of the range dirty? (QEMU: cpu_physical_memory_get_dirty.) */
  anyDirty(range: PageRange, bitmap: ClientBitmap): boolean {
    for (const part of this.ramWithin(range)) {
      if (bitmap.inFlight?.hasAny(part) || this.find('findSet', part, bitmap) < part.end) return true;
    }
    return false;
  }

  /** Are all pages of the range dirty? (QEMU: cpu_physical_memory_all_dirty.) */
  allDirty(range: PageRange, bitmap: ClientBitmap): boolean {
    let reached = range.first;
    for (const part of this.ramWithin(range)) {
      if (part.first !== reached || !this.allDirtyInRam(part, bitmap)) return false;
      reached = part.end;
    }
    return reached === range.end;
  }

  private allDirtyInRam(part: PageRange, bitmap: ClientBitmap): boolean {
    for (let page = part.first; page < part.end; ) {
      const clear = this.find('findClear', { first: page, end: part.end }, bitmap);
      if (clear === part.end) return true;
      page = bitmap.inFlight?.findMissing({ first: clear, end: part.end }) ?? clear;
      if (page === clear) return false;
    }
    return true;
  }

  /** @returns the first page of the range whose live bit is set or clear, or the range's end */
  private find(kind: 'findSet' | 'findClear', range: PageRange, bitmap: ClientBitmap): number {
    return walkBlocks(range, this.pagesPerBlock, (number, from, to) =>
      this.kernel[kind](bitmap.intactBlockAt(number), from, to),
    );
  }
}
