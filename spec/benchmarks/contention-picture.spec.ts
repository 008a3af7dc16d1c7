import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { CONTENTION_RESULT, contentionPicture } from '../../benchmarks/contention-picture.js';
import type { Figure } from '../../benchmarks/harness/figure.js';
import type { Result } from '../../benchmarks/harness/result.js';
import { readBenchResult } from '../../benchmarks/output/result-file.js';
import { PICTURES_FOLDER } from '../../scripts/draw-pictures.js';

describe('The chart of contention', () => {
  const result = readBenchResult(fileURLToPath(CONTENTION_RESULT));

  const change = (to: (figure: Figure) => Figure | undefined): Result => ({
    ...result,
    answers: result.answers.map((answer) => ({
      ...answer,
      figures: answer.figures.flatMap((figure) => to(figure) ?? []),
    })),
  });

  it('is drawn from the committed result (npm run pictures)', () => {
    const committed = readFileSync(new URL('contention.svg', PICTURES_FOLDER), 'utf8');
    expect(committed).to.equal(contentionPicture(result).toString());
  });

  it('is of a result of the command that it names', () => {
    expect(result.command).to.match(/^npm run bench -- --only contention-patterns --pattern same-word\b/);
    expect(contentionPicture(result).toString()).to.include(
      'npm run bench -- --only contention-patterns --pattern same-word',
    );
  });

  it('has a bar for each design, in the order of their marks', () => {
    const isBest = ({ point }: Figure): boolean => point?.line === 'dirtymem' && point.x === result.cores;
    const best = change((figure) => (isBest(figure) ? { ...figure, median: 1e6 } : figure));
    const { description } = contentionPicture(best);
    expect(description).to.match(/thread's\. dirtymem: /);
    expect(contentionPicture(result).description.match(/\d x/g)?.length).to.be.at.least(5);
  });

  it('marks what other processes disturbed', () => {
    const quiet = change((figure) => ({ ...figure, disturbed: 0 }));
    expect(contentionPicture(quiet).toString()).to.not.include('~');
    const noisy = change((figure) => ({ ...figure, disturbed: 1 }));
    expect(contentionPicture(noisy).toString()).to.include('x ~<').and.to.include('other processes disturbed');
  });

  it('refuses a result that lacks what it shows', () => {
    expect(() => contentionPicture({ ...result, answers: [] })).to.throw(/has no figures/);
    const lacking = change((figure) => (figure.point?.x === result.cores ? undefined : figure));
    expect(() => contentionPicture(lacking)).to.throw(/with \d+ threads/);
  });
});
