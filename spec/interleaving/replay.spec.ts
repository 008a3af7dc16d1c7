import { expect } from 'chai';
import { itLong } from '../support/long.js';
import { Crew } from './checker/crew.js';
import type { Plan, Strategy } from './checker/plan.js';
import { formatReplay, parseReplay } from './checker/replay-string.js';

/** A lost update needs the store buffer, a use after free a switch, and the last one a death. */
const FAILURES: readonly Omit<Plan, 'strategy'>[] = [
  { scenario: 'mark-against-harvest', sabotage: 'exchange-after-grace-period', model: 'tso', maxSchedules: 5000 },
  { scenario: 'readers-against-extend', sabotage: 'compare-off-by-one', model: 'sc', maxSchedules: 5000 },
  { scenario: 'death-against-extend', sabotage: 'dead-reader-never-retired', model: 'tso', maxSchedules: 5000 },
];
const STRATEGIES: readonly Strategy[] = [
  { kind: 'random', seed: 1 },
  { kind: 'pct', seed: 11, depth: 3 },
  { kind: 'exhaustive', preemptions: 2 },
];

describe('a replay string of the interleaving checker', () => {
  let crew: Crew;
  before(() => {
    crew = new Crew(14);
  });
  after(() => crew.dismiss());

  for (const failing of FAILURES) {
    for (const strategy of STRATEGIES) {
      const define = strategy.kind === 'pct' ? itLong : it;
      define(`repeats ${failing.sabotage} as ${strategy.kind} found it, access by access`, async () => {
        const plan: Plan = { ...failing, strategy };
        const found = await crew.explore(plan);
        expect(found.failure).to.be.a('string');
        const replay = parseReplay(formatReplay(plan, found.schedule ?? ''));
        const again = await crew.explore(replay);
        expect(again.failure?.split('\n')[0]).to.equal(found.failure?.split('\n')[0]);
        const andAgain = await crew.explore(replay);
        expect(andAgain.failure).to.equal(again.failure);
        expect(andAgain.trace).to.deep.equal(again.trace).and.not.to.deep.equal([]);
      });
    }
  }

  it('is refused when it is none, or fits no schedule', async () => {
    for (const text of [
      '',
      'mark-against-harvest',
      'mark-against-harvest/arm/-/0:1',
      'mark-against-harvest/sc/-/0;1',
      'nothing/sc/-/0:1',
      'mark-against-harvest/sc/nothing/0:1',
      'mark-against-harvest/sc/-/0:0,9:7',
    ]) {
      expect(() => parseReplay(text), text).to.throw(RangeError);
    }
    for (const [schedule, step] of [
      ['2:7000', "1, '2:7000'"],
      ['1:1,2:7000,0:1', "2, '2:7000'"],
      ['1k', "1, '1k'"],
      ['1:1,1f1', "2, '1f1'"],
    ]) {
      const error = await crew.explore(parseReplay(`mark-against-harvest/sc/-/${schedule}`)).catch((thrown) => thrown);
      expect(error, schedule).to.be.instanceOf(RangeError);
      expect(error.message).to.equal(`the schedule cannot be followed at step ${step}`);
    }
    const { failure } = await crew.explore(parseReplay('mark-against-harvest/sc/-/1:1,2:1'));
    expect(failure, 'the crew goes on').to.equal(undefined);
  });
});
