import { expect } from 'chai';
import { SpinTime } from '../../lib/rcu/spin-time.js';

describe('how long the owner polls before it sleeps', () => {
  let spinTime: SpinTime;
  beforeEach(() => {
    spinTime = new SpinTime();
  });

  /** After a period of that length. */
  const after = (milliseconds: number, slept: boolean): number => {
    spinTime.ended(milliseconds, slept);
    return spinTime.milliseconds;
  };
  /** In periods of that length, in which the owner sleeps. @returns how many it does not poll */
  const rests = (milliseconds: number): number => {
    let count = 0;
    while (after(milliseconds, true) === 0 && count < 1000) count++;
    return count;
  };

  it('is twice as long as the period that ended meanwhile took, within limits', () => {
    expect(spinTime.milliseconds, 'at first').to.equal(0.02);
    expect(after(0.03, false)).to.equal(0.06);
    expect(after(1, false)).to.equal(0.15);
    for (let i = 0; i < 100; i++) after(0.001, false);
    expect(spinTime.milliseconds).to.equal(0.02);
  });

  it('becomes shorter by a tenth a period', () => {
    after(1, false);
    expect(after(0.001, false)).to.be.closeTo(0.135, 1e-9);
    expect(after(0.001, false)).to.be.closeTo(0.1215, 1e-9);
  });

  it('is nothing for ever more periods, up to 64, after it was in vain', () => {
    expect(Array.from({ length: 9 }, () => rests(0.5))).to.deep.equal([1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });

  it('is nothing for one period again when it has been of use meanwhile', () => {
    for (let i = 0; i < 5; i++) rests(0.5);
    after(0.05, false);
    expect(rests(0.5)).to.equal(1);
  });

  it('is nothing as long as periods take too long for it', () => {
    for (let i = 0; i < 100; i++) expect(after(0.61, true)).to.equal(0);
    expect(after(0.59, true)).to.equal(0.15);
  });

  it('is tried again for twice what a period took that it was not tried in', () => {
    expect(after(0.05, true)).to.equal(0);
    expect(after(0.05, true)).to.equal(0.1);
  });
});
