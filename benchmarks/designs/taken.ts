/** What a design's owner has collected: a bitmap of its own, with plain accesses. dirtymem has its page sets. */
import { mostPages, type Shape } from './design.js';

export class Taken {
  private readonly words: Int32Array;

  constructor(shape: Shape) {
    this.words = new Int32Array(mostPages(shape) / 32);
  }

  /** @returns how many of a word's bits are new */
  add(word: number, bits: number): number {
    const before = this.words[word] as number;
    this.words[word] = before | bits;
    return popcount(bits & ~before);
  }

  /** Empties live words into the set, each by an exchange. @param first the word of the set that `live[from]` belongs to */
  exchange(live: Int32Array, from: number, end: number, first: number): number {
    let added = 0;
    for (let i = from; i < end; i++) {
      if (live[i] !== 0) added += this.add(first + i - from, Atomics.exchange(live, i, 0));
    }
    return added;
  }

  /** The same with words that no other thread can reach. */
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
