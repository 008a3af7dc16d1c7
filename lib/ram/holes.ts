/**
 * The places where a new RAM block may go, and the choice of one when the embedder gives none (QEMU: find_ram_offset).
 */
import { Ordered } from '../base/ordered.js';
import type { PageRange } from '../dirty/page-range.js';
import { PageRanges } from '../dirty/page-ranges.js';

/** In pages. As in QEMU, no two blocks that are placed here share a bitmap word of 64 pages. */
const ALIGNMENT = 64;

/** An aligned place for a block, and how many pages fit there. */
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
   * Finds the smallest hole with enough room, and the lowest of equal holes. Unlike QEMU, this also considers the hole
   * before the first block.
   * @returns the hole's first page, a multiple of 64, or undefined when no hole has enough room
   */
  find(pages: number): number | undefined {
    return this.bySize.atOrAfter({ room: pages, first: 0 })?.first;
  }

  /** The largest number of pages for which `find` finds room. */
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
    const around = { first: first - 1, end: end + 1 };
    for (const hole of this.holesIn(around)) this.bySize.delete(hole);
    change();
    for (const hole of this.holesIn(around)) this.bySize.add(hole);
  }

  /** The holes that overlap the range. */
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
