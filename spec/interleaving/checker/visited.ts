/** The states that were explored: an open-addressing set of 64-bit hashes in shared memory. */

export class VisitedStates {
  private readonly table: Int32Array;
  private readonly mask: number;

  constructor(table: Int32Array) {
    this.table = table;
    this.mask = table.length / 2 - 1;
  }

  get capacity(): number {
    return ((this.mask + 1) * 3) / 4;
  }

  /** @returns whether the state is new */
  add(a: number, b: number): boolean {
    const { table, mask } = this;
    const low = a === 0 && b === 0 ? 1 : a;
    for (let i = (low ^ (b >>> 7)) & mask; ; i = (i + 1) & mask) {
      const at = i * 2;
      if (table[at] === low && table[at + 1] === b) return false;
      if (table[at] !== 0 || table[at + 1] !== 0) continue;
      table[at] = low;
      table[at + 1] = b;
      return true;
    }
  }

  clear(): void {
    this.table.fill(0);
  }
}
