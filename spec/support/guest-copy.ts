/** A copy of the guest's RAM, one word a page, kept by harvests: the lost-update oracle. */
import type { Words } from '../../lib/arena/words.js';
import { type DirtyMemory, MIGRATION, type PageSet } from '../../lib/index.js';

export class GuestCopy {
  private readonly memory: DirtyMemory;
  private readonly guest: Words;
  private readonly pageSize: number;
  private readonly copy: number[];

  constructor(memory: DirtyMemory, guest: Words, pageSize: number) {
    this.memory = memory;
    this.guest = guest;
    this.pageSize = pageSize;
    this.copy = new Array(guest.length).fill(0);
  }

  get(page: number): number {
    return this.copy[page] as number;
  }

  /** Copies the pages that are in the set, and disposes of it. @returns which they were */
  take(set: PageSet): Set<number> {
    const pages = new Set<number>();
    for (const { start, length } of set.runs()) {
      for (let page = start / this.pageSize; page < (start + length) / this.pageSize; page++) {
        this.copy[page] = this.guest.get(page);
        pages.add(page);
      }
    }
    set.dispose();
    return pages;
  }

  /** The pages that have been stored to since they were copied. */
  differing(): number[] {
    return this.copy.flatMap((value, page) => (value === this.guest.get(page) ? [] : [page]));
  }

  /**
   * Harvests and copies.
   * @param harvest of whom. Default: of the engine's own user
   * @returns the pages that were due, for they differed, and those of them that were not dirty: stores that nobody marked
   */
  async round(harvest = () => this.memory.harvest(MIGRATION)): Promise<{ due: number[]; missing: number[] }> {
    const due = this.differing();
    // Whatever stored what differs has ended its interval, and so has marked.
    await this.memory.rcu.synchronize();
    const pages = this.take((await harvest()).set);
    return { due, missing: due.filter((page) => !pages.has(page)) };
  }
}
