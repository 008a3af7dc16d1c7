/**
 * The two bitmap blocks that never change: in the all-zero block, which table entries without a block lead to, no bit is
 * ever set; in the full block, which stands for those of clients that nobody tracks, none is ever clear. They are looked at
 * whenever a table is made or freed, and at the end.
 */
import type { Allocator } from '../arena/allocator.js';
import type { Arena } from '../arena/arena.js';

export class ConstantBlocks {
  looks = 0;
  private readonly report: (detail: string) => void;
  private arena: Arena | undefined;
  /** Word index of the full block; undefined while, and so as long as, every client is tracked. */
  private fullBlock: number | undefined;
  private isWrong = false;

  /** @param report told once */
  constructor(report: (detail: string) => void) {
    this.report = report;
  }

  /** Learns of the full block, and of every table. */
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
