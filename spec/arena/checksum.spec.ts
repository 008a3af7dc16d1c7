import { expect } from 'chai';
import { Header, VERSION } from '../../lib/arena/layout.js';
import { checksumOf } from '../../lib/arena/place.js';
import { Words } from '../../lib/arena/words.js';

const BITS = Array.from({ length: 32 }, (_, bit) => 1 << bit);
const WORDS = Array.from({ length: Header.EngineId }, (_, i) => i + 1);

describe('the checksum of a header', () => {
  let words: Words;
  beforeEach(() => {
    words = new Words(new SharedArrayBuffer(64), 0);
    [VERSION, 2 ** 14, 1, 12, 6, 4, 2 ** 30 + 1].forEach((value, i) => {
      words.set(Header.Version + i, value);
    });
  });

  /** The checksum with these bits of these words flipped. */
  const withFlipped = (bits: number, ...of: number[]): number => {
    for (const word of of) words.set(word, words.get(word) ^ bits);
    const sum = checksumOf(words);
    for (const word of of) words.set(word, words.get(word) ^ bits);
    return sum;
  };

  it('is another one when any bit of any word has changed', () => {
    const sum = checksumOf(words);
    for (const word of WORDS) for (const bit of BITS) expect(withFlipped(bit, word), `word ${word}`).to.not.equal(sum);
  });

  it('is another one when the same bit has changed in two words', () => {
    const sum = checksumOf(words);
    for (const one of WORDS) {
      for (const two of WORDS.filter((word) => word > one)) {
        for (const bit of BITS) expect(withFlipped(bit, one, two), `words ${one} and ${two}`).to.not.equal(sum);
      }
    }
  });

  it('does not depend on whether the engine is already there', () => {
    const sum = checksumOf(words);
    expect(withFlipped(-1, Header.Magic)).to.equal(sum);
  });
});
