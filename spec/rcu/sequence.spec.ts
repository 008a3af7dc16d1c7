import { expect } from 'chai';
import { FIRST_NUMBER, nextNumber, numberOf, OFFLINE, reached } from '../../lib/rcu/sequence.js';

/** The number after so many periods, by arithmetic that does not wrap. */
function numberAfter(periods: number): number {
  return Number(BigInt.asIntN(32, BigInt(FIRST_NUMBER) + 2n * BigInt(periods)));
}

/** Periods from the first at which the number is about to be, or has just been, at an end of its range or near 0. */
const PLACES = [0, 31, 32, 33, 34, 2 ** 29, 2 ** 30 - 1, 2 ** 30, 2 ** 30 + 33, 2 ** 31 - 1];

describe('grace-period number', () => {
  it('wraps from the largest to the smallest 32-bit integer within the first 33 periods', () => {
    let number = FIRST_NUMBER;
    for (let period = 0; period < 32; period++) number = nextNumber(number);
    expect(number).to.equal(2 ** 31 - 1);
    expect(nextNumber(number)).to.equal(-(2 ** 31) + 1);
  });

  it('steps over 0, which means offline', () => {
    expect(nextNumber(-1)).to.equal(1);
    expect(FIRST_NUMBER % 2, 'odd from the first').to.equal(1);
    for (const place of PLACES) {
      expect(nextNumber(numberAfter(place)), `after ${place} periods`).to.equal(numberAfter(place + 1));
      expect(numberAfter(place), `after ${place} periods`).to.not.equal(OFFLINE);
    }
  });

  it('is known by how many periods have ended, of which 32 bits do', () => {
    for (const place of PLACES) {
      expect(numberOf(place), `${place} periods`).to.equal(numberAfter(place));
      expect(numberOf(place | 0), `the lower bits of ${place}`).to.equal(numberAfter(place));
    }
  });

  for (const place of PLACES) {
    it(`is reached by itself and by later numbers, not by earlier ones, ${place} periods on`, () => {
      const number = numberAfter(place);
      for (const apart of [1, 2, 33, 2 ** 16, 2 ** 29, 2 ** 30 - 1]) {
        expect(reached(numberAfter(place + apart), number), `${apart} later`).to.equal(true);
        expect(reached(number, numberAfter(place + apart)), `${apart} earlier`).to.equal(false);
      }
      expect(reached(number, number)).to.equal(true);
    });
  }
});
