import { expect } from 'chai';
import fc from 'fast-check';
import { TokenBucket } from '../../lib/rate/token-bucket.js';

interface Slice {
  readonly pages: number;
  readonly runsMs: number;
  readonly lateMs: number;
}

const rates = fc.integer({ min: 10, max: 100_000 });
const runsMs = fc.double({ min: 0, max: 50, noNaN: true });
const slices: fc.Arbitrary<Slice[]> = fc.array(fc.record({ pages: fc.nat(300), runsMs, lateMs: fc.nat(90) }), {
  minLength: 20,
});

describe('a token bucket', () => {
  it('has nothing saved at first, and turns every page into the time that it takes', () => {
    const bucket = new TokenBucket(100, 0, 0);
    expect(bucket.debtMs(0, 0)).to.equal(0);
    expect(bucket.debtMs(1, 0)).to.equal(10);
    expect(bucket.debtMs(11, 0)).to.equal(110);
  });

  it('has a debt paid off by time, and by nothing less', () => {
    const bucket = new TokenBucket(100, 0, 0);
    expect(bucket.debtMs(500, 0)).to.equal(5000);
    expect(bucket.debtMs(500, 4000)).to.equal(1000);
    expect(bucket.debtMs(500, 5000)).to.equal(0);
    expect(bucket.debtMs(510, 5000)).to.equal(100);
  });

  it('lets a reader that slept too long catch up', () => {
    const bucket = new TokenBucket(1000, 0, 0);
    expect(bucket.debtMs(50, 0)).to.equal(50);
    expect(bucket.debtMs(50, 130)).to.equal(0);
    expect(bucket.debtMs(130, 130)).to.equal(0);
    expect(bucket.debtMs(131, 130)).to.equal(1);
  });

  it('saves a tenth of a second at most, however long a reader was idle', () => {
    const bucket = new TokenBucket(1000, 0, 0);
    expect(bucket.debtMs(0, 3_600_000)).to.equal(0);
    expect(bucket.debtMs(100, 3_600_000)).to.equal(0);
    expect(bucket.debtMs(101, 3_600_000)).to.equal(1);
  });

  it('knows without a clock which pages are paid for', () => {
    const bucket = new TokenBucket(1000, 0, 0);
    expect(bucket.covers(0)).to.equal(true);
    expect(bucket.covers(1)).to.equal(false);
    bucket.debtMs(0, 20);
    expect([bucket.covers(20), bucket.covers(21)]).to.deep.equal([true, false]);
    bucket.debtMs(15, 20);
    expect([bucket.covers(20), bucket.covers(21)]).to.deep.equal([true, false]);
  });

  it('goes by counts that wrap, and begin anywhere', () => {
    const bucket = new TokenBucket(1000, -3, 0);
    expect(bucket.debtMs(2, 0)).to.equal(5);
    const signed = new TokenBucket(1000, 2 ** 31 - 1, 0);
    expect(signed.debtMs(-(2 ** 31) + 9, 0)).to.equal(10);
    expect(signed.covers(-(2 ** 31) + 9)).to.equal(false);
  });

  /** Sleeps off every debt, some milliseconds too long. @returns how many pages there were, and the time */
  function play(rate: number, slices: readonly Slice[]): { count: number; now: number } {
    const bucket = new TokenBucket(rate, 0, 0);
    let now = 0;
    let count = 0;
    for (const { pages, runsMs, lateMs } of slices) {
      count += pages;
      now += runsMs;
      if (bucket.covers(count)) continue;
      const debt = bucket.debtMs(count, now);
      if (debt === 0) continue;
      now += debt + lateMs;
      expect(bucket.debtMs(count, now)).to.be.below(1e-6);
    }
    return { count, now };
  }

  it('never lets a reader have more than it was allowed, what was saved, and one slice', () => {
    fc.assert(
      fc.property(rates, slices, (rate, all) => {
        const { count, now } = play(rate, all);
        const largest = Math.max(...all.map(({ pages }) => pages));
        expect(count).to.be.at.most((rate * now) / 1000 + 0.1 * rate + largest + 1e-6);
      }),
      { numRuns: 500 },
    );
  });

  it('lets a reader that is always ahead have all of it, however late it wakes', () => {
    fc.assert(
      fc.property(rates, slices, (rate, all) => {
        const greedy = all.map(({ pages, lateMs }) => ({ pages: pages + Math.ceil(rate / 5), runsMs: 0, lateMs }));
        const { count, now } = play(rate, greedy);
        expect(count).to.be.at.least((rate * now) / 1000 - 0.1 * rate);
      }),
      { numRuns: 500 },
    );
  });
});
