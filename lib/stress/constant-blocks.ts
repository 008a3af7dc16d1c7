/**
 * Checks the two bitmap blocks that must never change. Table entries without a bitmap block of their own point to the
 * all-zero block, in which every bit stays clear. The tables of clients that nobody tracks point to the full block, in
 * which every bit stays set. Both are checked whenever a table is made or freed, and at the end of the run.
 */
import type { Allocator } from '../arena/allocator.js';
import type { Arena } from '../arena/arena.js';

export class ConstantBlocks {
  looks = 0;
  private readonly report: (detail: string) => void;
  private arena: Arena | undefined;
  /** Word index of the full block; undefined until the first time that some client is not tracked. */
  private fullBlock: number | undefined;
  private isWrong = false;

  /** @param report called at most once */
  constructor(report: (detail: string) => void) {
    this.report = report;
  }

  /** Hooks into the allocator, to learn where the full block is and when tables are made and freed. */
  plantIn(arena: Arena, allocator: Allocator): Allocator {
    const { allocateBlock, allocateTable, freeTable } = allocator;
    this.arena = arena;
    allocator.allocateBlock = (purpose) => {
      const block = allocateBlock.call(allocator, purpose);
      if (purpose.endsWith(': the full block')) this.fullBlock = block;
      return block;
    };
    allocator.allocateTable = (entries, purpose) => {
      this.look();
      return allocateTable.call(allocator, entries, purpose);
    };
    allocator.freeTable = (table) => {
      this.look();
      freeTable.call(allocator, table);
    };
    return allocator;
  }

  look(): void {
    if (this.arena === undefined || this.isWrong) return;
    this.looks++;
    const wrong =
      this.wrongWord('the all-zero block', this.arena.regions.zeroBlock, 0) ??
      (this.fullBlock === undefined ? undefined : this.wrongWord('the full block', this.fullBlock, -1));
    if (wrong === undefined) return;
    this.isWrong = true;
    this.report(wrong);
  }

  private wrongWord(name: string, block: number, expected: number): string | undefined {
    const { words, geometry } = this.arena as Arena;
    for (let word = 0; word < geometry.blockWords; word++) {
      const found = words.load(block + word);
      if (found !== expected) return `word ${word} of ${name} is ${found}, not ${expected}`;
    }
    return undefined;
  }
}
