/**
 * A set of pages by its ranges, such as the RAM of the moment: for few ranges of many pages, where a `PageSet` is for pages
 * in any pattern. Neighbours are merged, and each operation costs a logarithm of how many ranges there are.
 */
import { Ordered } from '../base/ordered.js';
import { intersect, type PageRange } from './page-range.js';

type ByFirst = Pick<PageRange, 'first'>;

export class PageRanges {
  private readonly ranges = new Ordered<PageRange, ByFirst>((a, b) => a.first - b.first);
  private count = 0;

  /** How many pages there are. */
  get pages(): number {
    return this.count;
  }

  /** The page behind the last one; 0 when there is none. */
  get end(): number {
    return this.ranges.last?.end ?? 0;
  }

  /** Adds pages that are not there. */
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

  /** Removes what is there of the range. */
  remove(range: PageRange): void {
    for (;;) {
      const found = this.from(range.first);
      const gone = found === undefined ? undefined : intersect(found, range);
      if (found === undefined || gone === undefined) return;
      const { first, end } = gone;
      this.count -= end - first;
      this.ranges.delete(found);
      if (found.first < first) this.ranges.add({ first: found.first, end: first });
      if (end < found.end) this.ranges.add({ first: end, end: found.end });
    }
  }

  /** @returns the range that has the page, or else the first one behind it */
  from(page: number): PageRange | undefined {
    const below = this.ranges.before({ first: page + 1 });
    return below !== undefined && below.end > page ? below : this.ranges.atOrAfter({ first: page });
  }

  /** What is there of the range, ascending. */
  *within(range: PageRange): Generator<PageRange> {
    for (let found = this.from(range.first); found !== undefined; found = this.from(found.end)) {
      const part = intersect(found, range);
      if (part === undefined) return;
      yield part;
    }
  }

  /** Are all pages of the range there? True for an empty one. */
  contains({ first, end }: PageRange): boolean {
    if (first === end) return true;
    const found = this.from(first);
    return found !== undefined && found.first <= first && end <= found.end;
  }

  /** Is any page of the range there? */
  meets({ first, end }: PageRange): boolean {
    const found = this.from(first);
    return found !== undefined && first < end && found.first < end;
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<PageRange> {
    yield* this.ranges;
  }

  copy(): PageRanges {
    const copy = new PageRanges();
    for (const range of this.ranges) copy.add(range);
    return copy;
  }
}
