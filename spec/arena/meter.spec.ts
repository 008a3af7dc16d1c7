import { expect } from 'chai';
import { Header, Meter, Slots, UNLIMITED } from '../../lib/arena/layout.js';
import { countOf, limitOf } from '../../lib/arena/meter.js';
import { Words } from '../../lib/arena/words.js';

const METER = Slots.first;

describe('a meter', () => {
  let words: Words;
  beforeEach(() => {
    words = new Words(new SharedArrayBuffer(4 * (METER + Slots.size)), 0);
  });

  const count = (dirtied: number, generated: number): number => {
    words.set(METER + Meter.Dirtied, dirtied);
    words.set(METER + Meter.Generated, generated);
    return countOf(words, METER);
  };

  it('counts the pages of the readers and of the code that they generated, modulo 2^32', () => {
    expect(count(5, 7)).to.equal(12);
    expect(count(2 ** 31 - 1, 1)).to.equal(-(2 ** 31));
    expect(count(-(2 ** 31), -1)).to.equal(2 ** 31 - 1);
  });

  const limit = (own: number, ofAll: number): number => {
    words.set(METER + Meter.Limit, own);
    words.set(Header.Limit, ofAll);
    return limitOf(words, METER);
  };

  it('has the limit of its own, else that of all, unless it has none whatever the others have', () => {
    expect(limit(3, 9)).to.equal(3);
    expect(limit(3, 0)).to.equal(3);
    expect(limit(0, 9)).to.equal(9);
    expect(limit(0, 0)).to.equal(0);
    expect(limit(UNLIMITED, 9)).to.equal(0);
  });
});
