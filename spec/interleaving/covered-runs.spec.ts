import { expect } from 'chai';
import { Crew } from './checker/crew.js';
import { planOf, QUICK_RUNS, shortfallOf, THOROUGH_RUNS } from './covered-runs.js';
import { SCENARIOS } from './scenarios/catalogue.js';
import { litmusScenarios } from './scenarios/litmus.js';

const scenarios = Object.keys(SCENARIOS).filter((name) => litmusScenarios[name] === undefined);

describe('the shipped modules, under every interleaving of', () => {
  let crew: Crew;
  before(() => {
    crew = new Crew(18);
  });
  after(() => crew.dismiss());

  for (const run of QUICK_RUNS) {
    const bound = run.preemptions === undefined ? '' : `, with at most ${run.preemptions} preemptions`;
    it(`${run.scenario} (${run.model})${bound}`, async () => {
      const found = await crew.explore(planOf(run));
      expect(found.failure, found.schedule).to.equal(undefined);
      expect(shortfallOf(run, found)).to.equal(undefined);
    });
  }

  it('all scenarios, here and in the thorough run', () => {
    for (const runs of [QUICK_RUNS, THOROUGH_RUNS]) {
      expect(runs.map(({ scenario }) => scenario)).to.include.members(scenarios);
    }
  });
});
