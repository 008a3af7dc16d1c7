import { expect } from 'chai';
import { changesBetween } from '../../benchmarks/output/changes.js';
import { figureNear, resultOf } from './bench-results.js';

describe('Changes from one benchmark result to another', () => {
  it('a time that is longer is slower, a rate that is higher is faster, each by its factor', () => {
    const before = resultOf([figureNear('mark', 'ns', 2), figureNear('marks', 'M marks/s', 100)]);
    const after = resultOf([figureNear('mark', 'ns', 3), figureNear('marks', 'M marks/s', 200)]);
    const { slower, faster, alike } = changesBetween(before, after);
    expect(slower).to.have.length(1);
    expect(slower[0]).to.include({ question: 'mark-page', what: 'mark', before: 2, after: 3 });
    expect(slower[0]?.slower).to.be.closeTo(1.5, 1e-9);
    expect(faster).to.have.length(1);
    expect(faster[0]?.slower).to.be.closeTo(0.5, 1e-9);
    expect(alike).to.equal(0);
  });

  it('quartiles that overlap are noise, however far the medians are apart', () => {
    const wide = { ...figureNear('mark', 'ns', 2), low: 1, high: 4 };
    const { slower, faster, alike } = changesBetween(resultOf([wide]), resultOf([figureNear('mark', 'ns', 3.5)]));
    expect({ slower, faster, alike }).to.deep.equal({ slower: [], faster: [], alike: 1 });
  });

  it('a figure that was disturbed in most rounds, or is of too few rounds, decides nothing', () => {
    const before = resultOf([figureNear('disturbed', 'ns', 2), figureNear('one round', 'ns', 2)]);
    const after = resultOf([
      { ...figureNear('disturbed', 'ns', 20), disturbed: 3 },
      { ...figureNear('one round', 'ns', 20), rounds: 1 },
    ]);
    const { slower, undecided } = changesBetween(before, after);
    expect(slower).to.deep.equal([]);
    expect(undecided).to.equal(2);
  });

  it('ratios, sizes and the probe of the machine have no direction', () => {
    const figures = (factor: number) => [
      figureNear('this / that', 'x', factor),
      figureNear('resident', 'MiB', factor),
      figureNear('round trip of a cache line between two threads, just before', 'ns', 100),
    ];
    const { slower, faster, alike } = changesBetween(resultOf(figures(1)), resultOf(figures(9)));
    expect({ slower, faster, alike }).to.deep.equal({ slower: [], faster: [], alike: 0 });
  });

  it('names what only one of the two has, another machine, and a cache line that takes another way', () => {
    const probe = 'round trip of a cache line between two threads, just before';
    const before = resultOf([figureNear('old', 'ns', 1), figureNear(probe, 'ns', 80)]);
    const after = resultOf([figureNear('new', 'ns', 1), figureNear(probe, 'ns', 415)], { cores: 4 });
    const { missing, warnings } = changesBetween(before, after);
    expect(missing).to.deep.equal(['mark-page: old', 'mark-page: new']);
    expect(warnings).to.deep.equal([
      'cores: 2, then 4',
      "mark-page: a cache line's round trip took 80 ns, then 415 ns",
    ]);
  });
});
