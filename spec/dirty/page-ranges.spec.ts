import { expect } from 'chai';
import fc from 'fast-check';
import { PageRanges } from '../../lib/dirty/page-ranges.js';

const MOST = 60;

describe('a set of pages by its ranges', () => {
  it('has the pages that a plain set has', () => {
    const range = fc
      .tuple(fc.nat(MOST), fc.nat(MOST))
      .map(([a, b]) => ({ first: Math.min(a, b), end: Math.max(a, b) }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), range, (some, asked) => {
        const ranges = new PageRanges();
        const model = new Set<number>();
        some.forEach(({ first, end }, step) => {
          const pages = Array.from({ length: end - first }, (_, i) => first + i);
          const isNew = pages.length > 0 && pages.every((page) => !model.has(page));
          if (isNew) ranges.add({ first, end });
          else if (step % 2 === 0) ranges.remove({ first, end });
          else return;
          for (const page of pages)
            if (isNew) model.add(page);
            else model.delete(page);
        });
        expect(ranges.pages).to.equal(model.size);
        expect(ranges.end).to.equal(model.size === 0 ? 0 : Math.max(...model) + 1);
        expect([...ranges]).to.deep.equal(runsOf(model, 0, MOST));
        expect([...ranges.copy()]).to.deep.equal([...ranges]);
        expect([...ranges.within(asked)]).to.deep.equal(runsOf(model, asked.first, asked.end));
        const present = runsOf(model, asked.first, asked.end).reduce((sum, { first, end }) => sum + end - first, 0);
        expect(ranges.contains(asked)).to.equal(present === asked.end - asked.first);
        expect(ranges.meets(asked)).to.equal(present > 0);
        const whole = runsOf(model, 0, MOST);
        expect(ranges.from(asked.first)).to.deep.equal(whole.find(({ end }) => end > asked.first));
      }),
    );
  });

  it('meets no empty range, nor pages that end where it begins, and contains itself', () => {
    const ranges = new PageRanges();
    ranges.add({ first: 10, end: 20 });
    for (const page of [5, 10, 15, 20]) expect(ranges.meets({ first: page, end: page })).to.equal(false);
    expect(ranges.meets({ first: 15, end: 16 })).to.equal(true);
    expect(ranges.meets({ first: 5, end: 10 }), 'pages up to the set').to.equal(false);
    expect(ranges.contains({ first: 10, end: 20 }), 'all of it').to.equal(true);
  });
});

/** Its maximal ranges, within the given bounds. */
function runsOf(pages: ReadonlySet<number>, from: number, to: number): { first: number; end: number }[] {
  const runs: { first: number; end: number }[] = [];
  for (let page = from; page < to; page++) {
    const last = runs.at(-1);
    if (!pages.has(page)) continue;
    if (last?.end === page) last.end++;
    else runs.push({ first: page, end: page + 1 });
  }
  return runs;
}
