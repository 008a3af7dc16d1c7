/**
 * The owner's queries over page ranges. A page in no RAM block is never dirty; a bit in flight counts as dirty, so that
 * a page does not look clean between a collection's clear and its delivery.
 */
import type { Kernel } from '../bitmap/kernel.js';
import type { BlockTables } from './block-tables.js';
import type { Client } from './client.js';
import type { Collector, RamWithin } from './collector.js';
import { type PageRange, walkBlocks } from './page-range.js';

export class Queries {
  private readonly tables: BlockTables;
  private readonly collector: Collector;
  private readonly kernel: Pick<Kernel, 'findSet' | 'findClear'>;
  private readonly ramWithin: RamWithin;
  private readonly pagesPerBlock: number;

  constructor(
    tables: BlockTables,
    collector: Collector,
    kernel: Pick<Kernel, 'findSet' | 'findClear'>,
    ramWithin: RamWithin,
    pagesPerBlock: number,
  ) {
    this.tables = tables;
    this.collector = collector;
    this.kernel = kernel;
    this.ramWithin = ramWithin;
    this.pagesPerBlock = pagesPerBlock;
  }

  /** Is any page of the range dirty? (QEMU: cpu_physical_memory_get_dirty.) */
  anyDirty(range: PageRange, client: Client): boolean {
    const inFlight = this.collector.inFlight(client);
    for (const part of this.ramWithin(range)) {
      if (inFlight?.hasAny(part) || this.find('findSet', part, client) < part.end) return true;
    }
    return false;
  }

  /** Are all pages of the range dirty? (QEMU: cpu_physical_memory_all_dirty.) */
  allDirty(range: PageRange, client: Client): boolean {
    let reached = range.first;
    for (const part of this.ramWithin(range)) {
      if (part.first !== reached || !this.allDirtyInRam(part, client)) return false;
      reached = part.end;
    }
    return reached === range.end;
  }

  private allDirtyInRam(part: PageRange, client: Client): boolean {
    const inFlight = this.collector.inFlight(client);
    for (let page = part.first; page < part.end; ) {
      const clear = this.find('findClear', { first: page, end: part.end }, client);
      if (clear === part.end) return true;
      page = inFlight?.findMissing({ first: clear, end: part.end }) ?? clear;
      if (page === clear) return false;
    }
    return true;
  }

  /** @returns the first page of the range whose live bit is set or clear, or the range's end */
  private find(kind: 'findSet' | 'findClear', range: PageRange, client: Client): number {
    return walkBlocks(range, this.pagesPerBlock, (number, from, to) =>
      this.kernel[kind](this.tables.intactBlockAt(client, number), from, to),
    );
  }
}
