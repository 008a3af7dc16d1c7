/** Where a new RAM block may go, and where it goes when its place is not given (QEMU: find_ram_offset). */
import { Ordered } from '../base/ordered.js';
import type { PageRange } from '../dirty/page-range.js';
import { PageRanges } from '../dirty/page-ranges.js';

/** Words of 64 pages are shared by no two blocks that are placed here, as upstream has it. */
const ALIGNMENT = 64;

/** A place for a block, aligned, and how many pages fit there. */
interface Hole {
  readonly first: number;
  readonly room: number;
}

export class Holes {
  private readonly free = new PageRanges();
  private readonly bySize = new Ordered<Hole, Hole>((a, b) => a.room - b.room || a.first - b.first);

  constructor(maxPages: number) {
    this.giveBack({ first: 0, end: maxPages });
  }

  /**
   * The smallest hole that fits, the lowest of equals. Unlike upstream's, the hole before the first block counts.
   * @returns the first page, a multiple of 64, or undefined when no hole fits
   */
  find(pages: number): number | undefined {
    return this.bySize.atOrAfter({ room: pages, first: 0 })?.first;
  }

  /** The most pages that `find` would find room for. */
  get largest(): number {
    return this.bySize.last?.room ?? 0;
  }

  isFree(range: PageRange): boolean {
    return this.free.contains(range);
  }

  /** Takes a range that is free. */
  take(range: PageRange): void {
    this.change(range, () => this.free.remove(range));
  }

  /** Frees a range that was taken. */
  giveBack(range: PageRange): void {
    this.change(range, () => this.free.add(range));
  }

  private change({ first, end }: PageRange, change: () => void): void {
    const around = { first: Math.max(first - 1, 0), end: end + 1 };
    for (const hole of this.holesIn(around)) this.bySize.delete(hole);
    change();
    for (const hole of this.holesIn(around)) this.bySize.add(hole);
  }

  /** The holes that reach into the range. */
  private *holesIn(range: PageRange): Generator<Hole> {
    for (
      let found = this.free.from(range.first);
      found !== undefined && found.first < range.end;
      found = this.free.from(found.end)
    ) {
      const first = Math.ceil(found.first / ALIGNMENT) * ALIGNMENT;
      if (first < found.end) yield { first, room: found.end - first };
    }
  }
}
