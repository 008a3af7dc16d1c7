/**
 * The use-after-free oracle on the reader's side, like rcutorture's pipe count: when a reader uses a table, how many
 * grace periods have ended since the table was replaced? If the reader reported to the running period before the
 * replacement, it may still hold the table when that period ends, so 1 is right. 2 means that a whole grace period
 * began and ended without waiting for this reader.
 */
import { Header, Table } from '../arena/layout.js';
import type { Words } from '../arena/words.js';
import type { Vcpu } from '../dirty/vcpu.js';
import { AGES, Counter, type Guest } from './guest.js';

export class TableWatch {
  private readonly words: Words;
  private readonly vcpu: Vcpu;
  private readonly ages = new Array<number>(AGES).fill(0);

  constructor(words: Words, vcpu: Vcpu) {
    this.words = words;
    this.vcpu = vcpu;
  }

  /** @returns what is wrong with the tables that the vCPU holds, if anything is */
  look(): string | undefined {
    const { words } = this;
    for (const table of this.vcpu.cachedTables) {
      if (words.load(table + Table.Replaced) === 0) {
        this.ages[0] = (this.ages[0] as number) + 1;
        continue;
      }
      // ORDER: load the flag before the time (load-load), and the flag again after it, since freeing poisons both.
      // pairs with: dirty/block-tables.ts publish
      const replacedAt = words.load(table + Table.ReplacedAt);
      const freed = words.load(table + Table.Replaced) !== 1;
      const age = (words.load(Header.Completed) - replacedAt) | 0;
      if (freed) return `${this.vcpu.name} holds a block table that was freed`;
      const bucket = Math.min(Math.max(age, 0), AGES - 1);
      this.ages[bucket] = (this.ages[bucket] as number) + 1;
      if (age >= 2) return `${this.vcpu.name} holds a block table ${age} grace periods after it was replaced`;
    }
    return undefined;
  }

  flush(guest: Guest): void {
    for (let age = 0; age < AGES; age++) {
      guest.count(Counter.Ages + age, this.ages[age] as number);
      this.ages[age] = 0;
    }
  }
}
