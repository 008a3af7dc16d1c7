import { expect } from 'chai';
import { parseRun } from '../../lib/stress/campaign/run.js';
import { TimeLeft } from '../../lib/stress/campaign/time-left.js';

describe('The time that a campaign has left', () => {
  const stress = parseRun('stress', { seconds: 60, seed: 1 });
  const mutation = parseRun('mutation', { sample: 1, seed: 1 });

  it('is what the runs should take, and what runs of their kind took longer', () => {
    const left = new TimeLeft();
    for (let i = 0; i < 3; i++) left.add(stress);
    expect(left.seconds).to.equal(3 * 62);
    left.done(stress, 70);
    expect(left.seconds).to.equal(2 * 70);
  });

  it('is less where runs of a kind end before the time that they are given', () => {
    const left = new TimeLeft();
    for (const run of [stress, mutation, mutation]) left.add(run);
    left.done(mutation, 30);
    expect(left.seconds).to.equal(62 + 30);
  });

  it('is none when all runs have ended', () => {
    const left = new TimeLeft();
    left.add(mutation);
    left.done(mutation, 5);
    expect(left.seconds).to.equal(0);
  });
});
