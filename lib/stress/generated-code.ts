/**
 * What code that an emulator generates does to mark a page: the sequence of docs/abi.md, in TypeScript. It looks at roots,
 * tables and blocks by itself, and counts in its reader's meter what it turned.
 */
import type { Arena } from '../arena/arena.js';
import { Header, Meter, ROOTS, Table } from '../arena/layout.js';
import { CLIENTS, MIGRATION, rootOf } from '../dirty/client.js';

export class GeneratedCode {
  private readonly arena: Arena;
  /** Word index of its reader's meter. */
  private readonly meter: number;
  /** The bitmap block that is cached until the interval ends: its first page, and how many of its pages may be marked. */
  private firstPage = 0;
  private pages = 0;
  /** Word index of each client's, in the order of their roots. */
  private readonly blocks = new Int32Array(ROOTS);

  constructor(arena: Arena, meter: number) {
    this.arena = arena;
    this.meter = meter;
  }

  /** After every call that may have ended the interval. */
  beginInterval(): void {
    this.pages = 0;
  }

  /** @returns false for a page that has to be marked by a call of the vCPU, which may refuse it */
  covers(page: number): boolean {
    return (page >= this.firstPage && page - this.firstPage < this.pages) || this.enterBlock(page);
  }

  /** Of a page that is covered. @returns the clients of the mask for which it turned dirty */
  mark(page: number, mask: number): number {
    const { words } = this.arena;
    const bit = page - this.firstPage;
    const flag = 1 << bit;
    let turned = 0;
    for (const client of CLIENTS) {
      if ((mask & client) === 0) continue;
      const at = (this.blocks[rootOf(client)] as number) + (bit >>> 5);
      // The test is plain, and the set atomic, as in the vCPU's own marks (DM-1, DM-2).
      if ((words.get(at) & flag) === 0 && (words.or(at, flag) & flag) === 0) turned |= client;
    }
    return turned;
  }

  /** Counts what `mark` has returned. Plainly: no other thread stores to the word. */
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
      // ORDER GP-3: inside the interval, and before the tables' contents (acquire).
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
