/**
 * A cache of the contents last sent for as many pages as fit. By it a page that is dirty but unchanged is recognized.
 * (QEMU's XBZRLE keeps such a cache to send differences; here it only tests equality.) The cache is direct-mapped: a
 * page has one slot, and replaces the page that had the slot before.
 */
export class PageCache {
  private readonly slots: number;
  private readonly unitWords: number;
  private readonly contents: Int32Array;
  /** The page in each slot: the number of its block plus 1, and its index in the block. */
  private readonly blocks: Uint32Array;
  private readonly units: Float64Array;

  /** @param unit how many bytes are compared and kept as a whole: a page, or a part of one */
  constructor(bytes: number, unit: number) {
    this.slots = Math.floor(bytes / unit);
    this.unitWords = unit / 4;
    this.contents = new Int32Array(this.slots * this.unitWords);
    this.blocks = new Uint32Array(this.slots);
    this.units = new Float64Array(this.slots);
  }

  /**
   * Keeps the words from `at` on as the contents last sent.
   * @returns true when the cache had the same contents already
   */
  replace(block: number, unit: number, words: Int32Array, at: number): boolean {
    if (this.slots === 0) return false;
    const slot = this.slotOf(block, unit);
    const first = slot * this.unitWords;
    if (this.holds(slot, block, unit) && this.equals(first, words, at)) return true;
    this.contents.set(words.subarray(at, at + this.unitWords), first);
    this.blocks[slot] = block + 1;
    this.units[slot] = unit;
    return false;
  }

  /** Removes a page from the cache, because the destination has other contents now. */
  forget(block: number, unit: number): void {
    if (this.slots === 0) return;
    const slot = this.slotOf(block, unit);
    if (this.holds(slot, block, unit)) this.blocks[slot] = 0;
  }

  private holds(slot: number, block: number, unit: number): boolean {
    return this.blocks[slot] === block + 1 && this.units[slot] === unit;
  }

  private equals(first: number, words: Int32Array, at: number): boolean {
    for (let i = 0; i < this.unitWords; i++) if (this.contents[first + i] !== words[at + i]) return false;
    return true;
  }

  private slotOf(block: number, unit: number): number {
    return (unit + block * 40_503) % this.slots;
  }
}
