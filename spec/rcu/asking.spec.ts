import { expect } from 'chai';
import { Asking } from '../../lib/rcu/asking.js';

describe('whether readers are asked to give way', () => {
  let asking: Asking;
  beforeEach(() => {
    asking = new Asking();
  });

  /**
   * One period after another, of so many milliseconds each.
   * @returns for how many in succession the readers were asked, then not asked, then asked, and so on
   */
  const stretches = (periods: number, asked: () => number, unasked: () => number): number[] => {
    const lengths: number[] = [];
    let before: boolean | undefined;
    for (let i = 0; i < periods; i++) {
      const asks = asking.decide();
      if (asks !== before) lengths.push(0);
      lengths.push((lengths.pop() as number) + 1);
      before = asks;
      asking.ended(asks ? asked() : unasked(), asks);
    }
    return lengths;
  };
  const always = (milliseconds: number) => (): number => milliseconds;
  const sum = (lengths: readonly number[]): number => lengths.reduce((all, length) => all + length, 0);
  /** How many periods were asked for in stretches that begin with such a one. */
  const asked = (lengths: readonly number[]): number => sum(lengths.filter((_, i) => i % 2 === 0));

  it('is tried, and goes on where periods are shorter then; without is tried ever more seldom', () => {
    expect(stretches(520, always(0.2), always(6))).to.deep.equal([
      8, 1, 8, 1, 16, 1, 32, 1, 64, 1, 128, 1, 128, 1, 128, 1,
    ]);
  });

  it('ends where it changes nothing, and is tried ever more seldom', () => {
    expect(stretches(100, always(5), always(5))).to.deep.equal([8, 9, 1, 8, 1, 16, 1, 32, 1, 23]);
  });

  it('must make periods half as long', () => {
    expect(asked(stretches(100, always(1), always(2.1)))).to.be.above(90);
    asking = new Asking();
    expect(asked(stretches(100, always(1), always(1.9)))).to.be.below(15);
  });

  it('goes on where periods are shorter then than the clock can tell', () => {
    expect(asked(stretches(100, always(0), always(6)))).to.be.above(90);
  });

  it('goes by most periods, not by the longest', () => {
    let i = 0;
    expect(asked(stretches(1000, () => (i++ % 10 === 0 ? 500 : 0.2), always(6)))).to.be.above(950);
  });

  it('goes by several periods, not by the last one alone', () => {
    stretches(9, always(1), always(4));
    expect(stretches(6, always(6), always(4)), 'the second long one decides').to.deep.equal([2, 4]);
  });

  it('begins again when cores become scarce, and trials are frequent again', () => {
    stretches(300, always(2), always(2));
    const since = stretches(400, always(0.2), always(6));
    expect(since.slice(1, 7)).to.deep.equal([8, 1, 8, 1, 16, 1]);
  });

  it('ends when cores are to spare again, and trials are frequent again', () => {
    stretches(300, always(0.2), always(6));
    const since = stretches(400, always(2), always(2));
    expect(since.slice(3, 9)).to.deep.equal([9, 1, 8, 1, 16, 1]);
  });
});
