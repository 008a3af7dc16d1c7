/**
 * A 128-bit digest of words, which detects accidents and is no protection against an adversary. Each of four lanes
 * takes every fourth word. A lane's step is a bijection of the lane for a given word, and of the word for a given lane.
 * So two inputs that differ in one word of a lane always differ in that lane; other differences in a lane go unnoticed
 * once in 2^32.
 *
 * Words are read in the host's byte order: both ends of a migration, and the writer and the reader of a store, must
 * have the same.
 */

/** How many words one step takes. */
export const DIGEST_WORDS = 4;

/** How many bytes `Digest.bytes` returns. */
export const DIGEST_BYTES = 16;

const ZEROES = new Int32Array(1024);

const MULTIPLIER = 0x9e3779b1 | 0;

export class Digest {
  private a = 1;
  private b = 2;
  private c = 3;
  private d = 4;

  /** @param from @param end indices in `words`, multiples of `DIGEST_WORDS` from each other */
  update(words: Int32Array, from: number, end: number): void {
    let { a, b, c, d } = this;
    for (let i = from; i < end; i += DIGEST_WORDS) {
      a = Math.imul(a ^ (words[i] as number), MULTIPLIER);
      a ^= a >>> 15;
      b = Math.imul(b ^ (words[i + 1] as number), MULTIPLIER);
      b ^= b >>> 15;
      c = Math.imul(c ^ (words[i + 2] as number), MULTIPLIER);
      c ^= c >>> 15;
      d = Math.imul(d ^ (words[i + 3] as number), MULTIPLIER);
      d ^= d >>> 15;
    }
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  /** As `update`, with `count` words of zero. */
  updateZeroes(count: number): void {
    for (let left = count; left > 0; left -= ZEROES.length) this.update(ZEROES, 0, Math.min(left, ZEROES.length));
  }

  /** The lanes, one after the other. */
  bytes(): Uint8Array {
    return new Uint8Array(Int32Array.of(this.a, this.b, this.c, this.d).buffer);
  }

  /** @returns 32 bits that depend on every lane */
  fold(): number {
    return (this.a ^ rotate(this.b, 8) ^ rotate(this.c, 16) ^ rotate(this.d, 24)) >>> 0;
  }
}

/** Are the digests at two places the same? */
export function sameDigest(some: Uint8Array, at: number, others: Uint8Array, place: number): boolean {
  for (let i = 0; i < DIGEST_BYTES; i++) if (some[at + i] !== others[place + i]) return false;
  return true;
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
