import { expect } from 'chai';
import fc from 'fast-check';
import { littleEndianBits, lowestBit, maskBelow, maskFrom, popcount, wordOf } from '../../lib/bitmap/bits.js';

/** The bits of a word as text, bit 0 first, by no operator that the helpers use. */
function bitsOf(word: number): string {
  const unsigned = word < 0 ? word + 2 ** 32 : word;
  return [...unsigned.toString(2).padStart(32, '0')].reverse().join('');
}

const interestingWords = [0, 1, -1, -2, 0x40000000, 0x7fffffff, -0x80000000, 0x55555555, -0x55555556, 0x0f0f0f0f];
const anyWord = fc.oneof(fc.constantFrom(...interestingWords), fc.integer());

describe('bits: arithmetic within words', () => {
  it('finds the word of a position, past 2^31 too', () => {
    for (const position of [0, 31, 32, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
      expect(wordOf(position), `position ${position}`).to.equal(Math.floor(position / 32));
    }
  });

  it('masks the bits from a position on, in every word and at every bit', () => {
    for (const base of [0, 32, 2 ** 31 - 32, 2 ** 31, 2 ** 32 - 32]) {
      for (let bit = 0; bit < 32; bit++) {
        expect(bitsOf(maskFrom(base + bit)), `position ${base + bit}`).to.equal('0'.repeat(bit) + '1'.repeat(32 - bit));
      }
    }
  });

  it('masks the bits below an end, the whole word where the end is the end of a word', () => {
    for (const base of [0, 32, 2 ** 31 - 32, 2 ** 31, 2 ** 32 - 32]) {
      for (let end = 1; end <= 32; end++) {
        expect(bitsOf(maskBelow(base + end)), `end ${base + end}`).to.equal('1'.repeat(end) + '0'.repeat(32 - end));
      }
    }
  });

  it('gives masks as an Int32Array gives words', () => {
    expect(maskBelow(32)).to.equal(-1);
    expect(maskFrom(0)).to.equal(-1);
    expect(maskFrom(31)).to.equal(-(2 ** 31));
    expect(maskFrom(31) & maskBelow(32)).to.equal(-(2 ** 31));
  });

  it('counts the set bits of a word', () => {
    fc.assert(fc.property(anyWord, (word) => popcount(word) === bitsOf(word).replaceAll('0', '').length));
    for (let bit = 0; bit < 32; bit++) expect(popcount(1 << bit), `bit ${bit}`).to.equal(1);
  });

  it('finds the lowest set bit, bit 31 too', () => {
    fc.assert(
      fc.property(
        anyWord.filter((word) => word !== 0),
        (word) => lowestBit(word) === bitsOf(word).indexOf('1'),
      ),
    );
    for (let bit = 0; bit < 32; bit++) expect(lowestBit(1 << bit), `bit ${bit}`).to.equal(bit);
  });

  it('gathers 1 to 32 bits from any bit of a little-endian bitmap', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, n) => (n * 167 + 41) % 256);
    const text = [...bytes].map((byte) => bitsOf(byte).slice(0, 8)).join('');
    for (let bit = 0; bit + 32 <= bytes.length * 8; bit++) {
      for (let count = 1; count <= 32; count++) {
        const gathered = bitsOf(littleEndianBits(bytes, bit, count));
        expect(gathered, `bit ${bit}, count ${count}`).to.equal(text.slice(bit, bit + count).padEnd(32, '0'));
      }
    }
  });

  it('gathers bits past bit 2^31 of a bitmap', () => {
    // Stands for 512 MiB of bitmap: byte n holds n % 251.
    const huge = new Proxy(new Uint8Array(), { get: (_, key) => Number(key) % 251 });
    const [low, high] = [2 ** 28 % 251, (2 ** 28 + 1) % 251];
    expect(littleEndianBits(huge, 2 ** 31 + 4, 8)).to.equal(Math.floor(low / 16) + (high % 16) * 16);
  });

  it('reads no byte of the bitmap but those that hold the bits', () => {
    for (let bit = 0; bit < 16; bit++) {
      for (let count = 1; count <= 32; count++) {
        const read = new Set<number>();
        const watched = new Proxy(new Uint8Array(16), {
          get(bytes, key) {
            read.add(Number(key));
            return bytes[Number(key)];
          },
        });
        littleEndianBits(watched, bit, count);
        const needed = new Set(Array.from({ length: count }, (_, n) => Math.floor((bit + n) / 8)));
        expect(read, `bit ${bit}, count ${count}`).to.deep.equal(needed);
      }
    }
  });
});
