import { expect } from 'chai';
import { expectedSeconds, loadQuestions, QUESTION_NAMES } from '../../benchmarks/harness/questions.js';

describe('The questions of the benchmarks', () => {
  it('take less than twelve minutes together, with eleven rounds', async () => {
    const seconds = [...(await loadQuestions(QUESTION_NAMES)).values()].map((question) =>
      expectedSeconds(question, 11),
    );
    expect(Math.min(...seconds)).to.be.above(0);
    expect(seconds.reduce((sum, one) => sum + one)).to.be.below(12 * 60);
  });

  it('have titles of their own, and a quick run asks some of them', async () => {
    const questions = [...(await loadQuestions(QUESTION_NAMES)).values()];
    expect(new Set(questions.map(({ title }) => title)).size).to.equal(questions.length);
    expect(questions.filter(({ quick }) => quick).length).to.be.within(1, questions.length - 1);
  });
});
