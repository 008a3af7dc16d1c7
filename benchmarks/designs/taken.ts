/**
 * The pages that a design's owner has taken: a private bitmap with plain accesses. dirtymem uses its page sets instead.
 */
import { mostPages, type Shape } from './design.js';

export class Taken {
  private readonly words: Int32Array;

  constructor(shape: Shape) {
    this.words = new Int32Array(mostPages(shape) / 32);
  }

  /** Adds bits to a word. @returns how many of the bits are new */
  add(word: number, bits: number): number {
    const before = this.words[word] as number;
    this.words[word] = before | bits;
    return popcount(bits & ~before);
  }

  /**
   * Moves the bits of live words into the set, each word by an atomic exchange.
   * @param first the word of the set for `live[from]`
   */
  exchange(live: Int32Array, from: number, end: number, first: number): number {
    let added = 0;
    for (let i = from; i < end; i++) {
      if (live[i] !== 0) added += this.add(first + i - from, Atomics.exchange(live, i, 0));
    }
    return added;
  }

  /** Does the same by plain accesses, for words that no other thread can reach. */
  move(owned: Int32Array, from: number, end: number, first: number): number {
    let added = 0;
    for (let i = from; i < end; i++) {
      const bits = owned[i] as number;
      if (bits === 0) continue;
      owned[i] = 0;
      added += this.add(first + i - from, bits);
    }
    return added;
  }

  has(page: number): boolean {
    return ((this.words[page >>> 5] as number) & (1 << page)) !== 0;
  }

  remove(firstPage: number, endPage: number): void {
    this.words.fill(0, firstPage / 32, endPage / 32);
  }

  clear(): void {
    this.words.fill(0);
  }
}

function popcount(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
