/**
 * A sorted collection without duplicates. The elements are kept in chunks: a search is binary, and a change moves only
 * the elements of one chunk, however many elements there are.
 */

/** Chunks with more elements than this are divided. */
const LONGEST_CHUNK = 256;

/** @typeParam Probe the part of an element that is compared, by which elements can be found */
export class Ordered<T extends Probe, Probe> implements Iterable<T> {
  private readonly compare: (a: Probe, b: Probe) => number;
  /** No chunk is empty. */
  private readonly chunks: T[][] = [];
  private count = 0;

  /** @param compare negative when `a` comes before `b`, 0 when they are at the same place */
  constructor(compare: (a: Probe, b: Probe) => number) {
    this.compare = compare;
  }

  get size(): number {
    return this.count;
  }

  get last(): T | undefined {
    return this.chunks.at(-1)?.at(-1);
  }

  /** Adds an element. No element may be at its place yet. */
  add(element: T): void {
    this.count++;
    const which = Math.min(this.chunkOf(element), this.chunks.length - 1);
    const chunk = this.chunks[which];
    if (chunk === undefined) {
      this.chunks.push([element]);
      return;
    }
    chunk.splice(this.indexIn(chunk, element), 0, element);
    if (chunk.length > LONGEST_CHUNK) this.chunks.splice(which + 1, 0, chunk.splice(LONGEST_CHUNK / 2));
  }

  /** Removes the element at the place of `probe`, if there is one. */
  delete(probe: Probe): void {
    const which = this.chunkOf(probe);
    const chunk = this.chunks[which];
    if (chunk === undefined) return;
    const index = this.indexIn(chunk, probe);
    if (this.compare(chunk[index] as T, probe) !== 0) return;
    this.count--;
    chunk.splice(index, 1);
    if (chunk.length === 0) this.chunks.splice(which, 1);
  }

  /** @returns the element at the place of `probe`, or else the first element behind the place */
  atOrAfter(probe: Probe): T | undefined {
    const chunk = this.chunks[this.chunkOf(probe)];
    return chunk?.[this.indexIn(chunk, probe)];
  }

  /** @returns the last element before the place of `probe` */
  before(probe: Probe): T | undefined {
    const which = this.chunkOf(probe);
    const chunk = this.chunks[which];
    const index = chunk === undefined ? 0 : this.indexIn(chunk, probe);
    return index > 0 ? chunk?.[index - 1] : this.chunks[which - 1]?.at(-1);
  }

  /** Yields the elements in order. Nothing may be added or deleted meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (const chunk of this.chunks) yield* chunk;
  }

  /** @returns the index of the first chunk whose last element is at the place of `probe` or behind it */
  private chunkOf(probe: Probe): number {
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare((this.chunks[middle] as T[]).at(-1) as T, probe) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @returns the index of the first element at the place of `probe` or behind it */
  private indexIn(chunk: readonly T[], probe: Probe): number {
    let low = 0;
    let high = chunk.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(chunk[middle] as T, probe) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
