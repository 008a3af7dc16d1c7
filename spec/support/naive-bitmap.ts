/**
 * The model that kernels are compared with: a bitmap as a set of numbers, one bit at a time. Nothing here knows of
 * words or masks, so it shares no mistake with what it judges.
 */
export class NaiveBitmap {
  private readonly positions: Set<number>;

  constructor(positions: Iterable<number> = []) {
    this.positions = new Set(positions);
  }

  static fromWords(words: ArrayLike<number>): NaiveBitmap {
    const bitmap = new NaiveBitmap();
    for (let position = 0; position < words.length * 32; position++) {
      const word = BigInt.asUintN(32, BigInt(words[Math.floor(position / 32)] as number));
      if ((word / 2n ** BigInt(position % 32)) % 2n === 1n) bitmap.positions.add(position);
    }
    return bitmap;
  }

  toWords(length: number): number[] {
    const words = new Array<bigint>(length).fill(0n);
    for (const position of this.positions) {
      const index = Math.floor(position / 32);
      words[index] = (words[index] as bigint) + 2n ** BigInt(position % 32);
    }
    return words.map((word) => Number(BigInt.asIntN(32, word)));
  }

  get size(): number {
    return this.positions.size;
  }

  findSet(first: number, end: number): number {
    for (let position = first; position < end; position++) if (this.positions.has(position)) return position;
    return end;
  }

  findClear(first: number, end: number): number {
    for (let position = first; position < end; position++) if (!this.positions.has(position)) return position;
    return end;
  }

  count(first: number, end: number): number {
    return this.within(first, end).length;
  }

  /** The longest ranges of set bits within the range, ascending. */
  runs(first: number, end: number): [first: number, end: number][] {
    const runs: [number, number][] = [];
    for (const position of this.within(first, end)) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] === position) last[1] = position + 1;
      else runs.push([position, position + 1]);
    }
    return runs;
  }

  /** @returns how many bits turned, as for the other changes */
  set(first: number, end: number): number {
    const before = this.positions.size;
    for (let position = first; position < end; position++) this.positions.add(position);
    return this.positions.size - before;
  }

  clear(first: number, end: number): number {
    const before = this.positions.size;
    for (let position = first; position < end; position++) this.positions.delete(position);
    return before - this.positions.size;
  }

  /** Adds the set bits that `from` has in the range. */
  merge(from: NaiveBitmap, first: number, end: number): number {
    const before = this.positions.size;
    for (const position of from.within(first, end)) this.positions.add(position);
    return this.positions.size - before;
  }

  /** Adds the bits `[bit, bit + end - first)` of a little-endian bitmap. @returns how many of them are set */
  import(first: number, end: number, bitmap: Uint8Array, bit: number): number {
    let imported = 0;
    for (let n = 0; n < end - first; n++) {
      const byte = bitmap[Math.floor((bit + n) / 8)];
      if (byte === undefined) throw new RangeError(`bit ${bit + n} is past the bitmap's ${bitmap.length} bytes`);
      if (Math.floor(byte / 2 ** ((bit + n) % 8)) % 2 === 0) continue;
      imported += 1;
      this.positions.add(first + n);
    }
    return imported;
  }

  /** Gives the 32 bits from `index * 32` on the value of an unsigned number. */
  writeWord(index: number, value: number): void {
    for (let n = 0; n < 32; n++) {
      if (Math.floor(value / 2 ** n) % 2 === 1) this.positions.add(index * 32 + n);
      else this.positions.delete(index * 32 + n);
    }
  }

  private within(first: number, end: number): number[] {
    const found: number[] = [];
    for (let position = first; position < end; position++) if (this.positions.has(position)) found.push(position);
    return found;
  }
}
