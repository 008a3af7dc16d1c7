/**
 * Marks pages as an emulator's generated code does: the sequence of docs/abi.md, in TypeScript. It reads roots, tables
 * and blocks without calling the library, and counts in its reader's meter the pages that it turned dirty.
 */
import type { Arena } from '../arena/arena.js';
import { Header, Meter, ROOTS, Table } from '../arena/layout.js';
import { CLIENTS, MIGRATION, rootOf } from '../dirty/client.js';

export class GeneratedCode {
  private readonly arena: Arena;
  /** Word index of the reader's meter. */
  private readonly meter: number;
  /**
   * The first page of the bitmap block that is cached until the interval ends; the next field is how many of its pages
   * may be marked.
   */
  private firstPage = 0;
  private pages = 0;
  /** Word index of each client's cached bitmap block, in the order of the roots. */
  private readonly blocks = new Int32Array(ROOTS);

  constructor(arena: Arena, meter: number) {
    this.arena = arena;
    this.meter = meter;
  }

  /** To be called after every call that may have ended the interval. */
  beginInterval(): void {
    this.pages = 0;
  }

  /** @returns false for a page that generated code cannot mark: call the vCPU, which marks or refuses it */
  covers(page: number): boolean {
    return (page >= this.firstPage && page - this.firstPage < this.pages) || this.enterBlock(page);
  }

  /** Marks a page for which `covers` is true. @returns the clients of the mask for which the page turned dirty */
  mark(page: number, mask: number): number {
    const { words } = this.arena;
    const bit = page - this.firstPage;
    const flag = 1 << bit;
    let turned = 0;
    for (const client of CLIENTS) {
      if ((mask & client) === 0) continue;
      const at = (this.blocks[rootOf(client)] as number) + (bit >>> 5);
      // A plain test, then an atomic set, as in the vCPU's own marks (DM-1, DM-2).
      if ((words.get(at) & flag) === 0 && (words.or(at, flag) & flag) === 0) turned |= client;
    }
    return turned;
  }

  /** Counts what `mark` returned, with a plain load and store: no other thread stores to the word. */
  count(turned: number): void {
    const { words } = this.arena;
    const at = this.meter + Meter.Generated;
    if ((turned & MIGRATION) !== 0) words.set(at, (words.get(at) + 1) | 0);
  }

  private enterBlock(page: number): boolean {
    const { words, geometry, regions } = this.arena;
    const tables: number[] = [];
    let entries = Infinity;
    for (let root = 0; root < ROOTS; root++) {
      // ORDER GP-3: load the root inside the interval, and before the table's contents (acquire).
      // pairs with: dirty/client-bitmap.ts publish
      const table = words.load(Header.Roots + root);
      tables.push(table + Table.Entries);
      entries = Math.min(entries, words.get(table + Table.Length));
    }
    const lastPage = words.load(Header.LastPage) >>> 0;
    const number = page >>> geometry.blockShift;
    if (page > lastPage || number >= entries) return false;
    const blocks = tables.map((table) => words.get(table + number));
    if (Math.min(...blocks) <= regions.zeroBlock) return false;
    this.blocks.set(blocks);
    this.firstPage = number * geometry.pagesPerBlock;
    this.pages = Math.min(lastPage - this.firstPage + 1, geometry.pagesPerBlock);
    return true;
  }
}
