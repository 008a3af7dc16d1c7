import { expect } from 'chai';
import { Convergence } from '../../lib/migration/convergence.js';

describe('A guest that dirties pages too fast', () => {
  let shares: (number | undefined)[];
  const convergence = (enabled = true) => new Convergence(enabled, (share) => void shares.push(share));

  beforeEach(() => {
    shares = [];
  });

  it('loses a growing share of its time, a step after each two such rounds, and never all of it', async () => {
    const slowed = convergence();
    for (let round = 0; round < 40; round++) await slowed.judge(60, 100);
    expect(shares.map((share) => share?.toFixed(2))).to.deep.equal([
      '0.20',
      '0.30',
      '0.40',
      '0.50',
      '0.60',
      '0.70',
      '0.80',
      '0.90',
      '0.99',
    ]);
    expect(slowed.share).to.equal(0.99);
  });

  it('is left alone when it does so for one round, or is slower than half the transfer', async () => {
    const slowed = convergence();
    for (let round = 0; round < 10; round++) {
      await slowed.judge(60, 100);
      await slowed.judge(50, 100);
    }
    expect(shares).to.be.empty;
  });

  it('is left alone while it is not known how fast the transfer is', async () => {
    const slowed = convergence();
    for (let round = 0; round < 10; round++) await slowed.judge(60, 0);
    expect(shares).to.be.empty;
  });

  it('keeps what it has when it becomes slower, and has its time back at the end, once', async () => {
    const slowed = convergence();
    await slowed.judge(60, 100);
    await slowed.judge(60, 100);
    await slowed.judge(1, 100);
    expect(slowed.share).to.equal(0.2);
    await slowed.release();
    await slowed.release();
    expect(slowed.share).to.equal(0);
    expect(shares).to.deep.equal([0.2, undefined]);
  });

  it('is left alone where nobody can slow it down, or it is not to be', async () => {
    const slowed = convergence(false);
    for (let round = 0; round < 10; round++) await slowed.judge(60, 100);
    await slowed.release();
    expect([slowed.share, shares]).to.deep.equal([0, []]);
  });
});
