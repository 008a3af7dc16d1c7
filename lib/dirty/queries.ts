/**
 * The owner's queries over page ranges. A page outside all RAM blocks is never dirty. A bit in flight counts as dirty,
 * so that a page does not look clean between a collection's clear and its delivery.
 */
import type { Geometry } from '../arena/geometry.js';
import type { Kernel } from '../bitmap/kernel.js';
import type { ClientBitmap, User } from './client-bitmap.js';
import { type PageRange, walkBlocks } from './page-range.js';
import type { PageRanges } from './page-ranges.js';
import type { PageSet } from './page-set.js';

export class Queries {
  private readonly kernel: Pick<Kernel, 'findSet' | 'findClear'>;
  private readonly ram: PageRanges;
  private readonly pagesPerBlock: number;

  constructor(kernel: Pick<Kernel, 'findSet' | 'findClear'>, ram: PageRanges, { pagesPerBlock }: Geometry) {
    this.kernel = kernel;
    this.ram = ram;
    this.pagesPerBlock = pagesPerBlock;
  }

  /** Is any page of the range dirty for the user? (QEMU: cpu_physical_memory_get_dirty.) */
  anyDirty(range: PageRange, bitmap: ClientBitmap, user: User): boolean {
    for (const part of this.ram.within(range)) if (this.findDirty(part, bitmap, user) < part.end) return true;
    return false;
  }

  /** Are all pages of the range dirty for the user? (QEMU: cpu_physical_memory_all_dirty.) */
  allDirty(range: PageRange, bitmap: ClientBitmap, user: User): boolean {
    return this.ram.contains(range) && this.findClean(range, bitmap, user) === range.end;
  }

  /** Adds the pages of the range that are dirty for the user to `into`. @throws ArenaFullError */
  addDirty(range: PageRange, bitmap: ClientBitmap, user: User, into: PageSet): void {
    for (const part of this.ram.within(range)) {
      for (let page = part.first; page < part.end; ) {
        const first = this.findDirty({ first: page, end: part.end }, bitmap, user);
        page = this.findClean({ first, end: part.end }, bitmap, user);
        into.addRange({ first, end: page });
      }
    }
  }

  /** @param part contains RAM only. @returns its first page that is dirty for the user, or its end */
  private findDirty(part: PageRange, bitmap: ClientBitmap, user: User): number {
    return Math.min(
      this.find('findSet', part, bitmap),
      bitmap.inFlight?.findPresent(part) ?? part.end,
      user.pending.findPending(part),
    );
  }

  /** @param part contains RAM only. @returns its first page that is clean for the user, or its end */
  private findClean(part: PageRange, bitmap: ClientBitmap, user: User): number {
    for (let page = part.first; page < part.end; ) {
      const rest = { first: page, end: part.end };
      const clear = Math.max(
        this.find('findClear', rest, bitmap),
        bitmap.inFlight?.findMissing(rest) ?? page,
        user.pending.findOther(rest),
      );
      if (clear === page) return page;
      page = clear;
    }
    return part.end;
  }

  /** @returns the first page of the range whose live bit is set or clear, or the range's end */
  private find(kind: 'findSet' | 'findClear', range: PageRange, bitmap: ClientBitmap): number {
    return walkBlocks(range, this.pagesPerBlock, (number, from, to) =>
      this.kernel[kind](bitmap.intactBlockAt(number), from, to),
    );
  }
}
