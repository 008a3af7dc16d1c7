/** One flag for each page of a RAM block, or for each part of one. */
export class PageFlags {
  private readonly words: Uint32Array;

  constructor(count: number) {
    this.words = new Uint32Array(Math.ceil(count / 32));
  }

  has(index: number): boolean {
    return ((this.words[Math.floor(index / 32)] as number) & (1 << (index % 32))) !== 0;
  }

  raise(index: number): void {
    this.words[Math.floor(index / 32)]! |= 1 << (index % 32);
  }

  /** @returns true when the flag was raised */
  lower(index: number): boolean {
    if (!this.has(index)) return false;
    this.words[Math.floor(index / 32)]! &= ~(1 << (index % 32));
    return true;
  }

  /** Yields the indices of the raised flags in ascending order. */
  *[Symbol.iterator](): Generator<number> {
    for (const [at, word] of this.words.entries()) {
      for (let bit = 0; word >>> bit !== 0 && bit < 32; bit++) if ((word & (1 << bit)) !== 0) yield at * 32 + bit;
    }
  }
}
