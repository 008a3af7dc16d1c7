import { expect } from 'chai';
import { QUESTIONS } from '../../benchmarks/harness/question.js';
import { expectedSeconds } from '../../benchmarks/output/progress.js';

describe('What a run of the benchmarks is expected to take', () => {
  it('is less than nine minutes for every question once, with eleven rounds', () => {
    const seconds = QUESTIONS.map((name) => expectedSeconds(name, 11));
    expect(Math.min(...seconds)).to.be.above(0);
    expect(seconds.reduce((sum, one) => sum + one)).to.be.below(9 * 60);
  });
});
