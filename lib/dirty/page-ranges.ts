/**
 * A set of pages that is kept as ranges, such as the RAM that is plugged now. It suits few ranges of many pages; a
 * `PageSet` suits pages in any pattern. Neighbouring ranges are merged. The cost of an operation is logarithmic in the
 * number of ranges.
 */
import { Ordered } from '../base/ordered.js';
import { intersect, type PageRange } from './page-range.js';

type ByFirst = Pick<PageRange, 'first'>;

export class PageRanges {
  private readonly ranges = new Ordered<PageRange, ByFirst>((a, b) => a.first - b.first);
  private count = 0;

  /** How many pages are in the set. */
  get pages(): number {
    return this.count;
  }

  /** The page behind the last page of the set; 0 when the set is empty. */
  get end(): number {
    return this.ranges.last?.end ?? 0;
  }

  /** Adds pages, none of which may be in the set yet. */
  add({ first, end }: PageRange): void {
    this.count += end - first;
    const below = this.ranges.before({ first });
    const above = this.ranges.atOrAfter({ first });
    const touchesBelow = below !== undefined && below.end === first;
    const touchesAbove = above !== undefined && above.first === end;
    if (touchesBelow) this.ranges.delete(below);
    if (touchesAbove) this.ranges.delete(above);
    this.ranges.add({ first: touchesBelow ? below.first : first, end: touchesAbove ? above.end : end });
  }

  /** Removes the pages of the range that are in the set. */
  remove(range: PageRange): void {
    for (;;) {
      const found = this.from(range.first);
      if (found === undefined) return;
      const gone = intersect(found, range);
      if (gone === undefined) return;
      const { first, end } = gone;
      this.count -= end - first;
      this.ranges.delete(found);
      if (found.first < first) this.ranges.add({ first: found.first, end: first });
      if (end < found.end) this.ranges.add({ first: end, end: found.end });
    }
  }

  /** @returns the range that contains the page, or else the first range behind the page */
  from(page: number): PageRange | undefined {
    const below = this.ranges.before({ first: page });
    return below !== undefined && below.end > page ? below : this.ranges.atOrAfter({ first: page });
  }

  /** Yields the parts of the range that are in the set, in ascending order. */
  *within(range: PageRange): Generator<PageRange> {
    for (let found = this.from(range.first); found !== undefined; found = this.from(found.end)) {
      const part = intersect(found, range);
      if (part === undefined) return;
      yield part;
    }
  }

  /** Are all pages of the range in the set? True for an empty range. */
  contains({ first, end }: PageRange): boolean {
    if (first === end) return true;
    const found = this.from(first);
    return found !== undefined && found.first <= first && end <= found.end;
  }

  /** Is any page of the range in the set? */
  meets({ first, end }: PageRange): boolean {
    const found = this.from(first);
    return found !== undefined && first < end && found.first < end;
  }

  /** Yields the ranges in ascending order. */
  *[Symbol.iterator](): Generator<PageRange> {
    yield* this.ranges;
  }

  copy(): PageRanges {
    const copy = new PageRanges();
    for (const range of this.ranges) copy.add(range);
    return copy;
  }
}
