import { expect } from 'chai';
import { itLong } from '../support/long.js';
import { Crew } from './checker/crew.js';
import { planOf, QUICK_RUNS, shortfallOf, THOROUGH_RUNS } from './covered-runs.js';
import { SCENARIOS } from './scenarios/catalogue.js';
import { litmusScenarios } from './scenarios/litmus.js';

const scenarios = Object.keys(SCENARIOS).filter((name) => litmusScenarios[name] === undefined);

/** Those that take longest, of scenarios that are explored in the other memory model as well. */
const LONG = [
  'mark-against-swap-harvest (sc)',
  'clean-pages-against-harvest (sc)',
  'aborted-swap-harvest-against-marks (tso)',
  'callback-against-barrier (sc)',
  'marks-against-track (tso)',
];

describe('the shipped modules, under every interleaving of', () => {
  let crew: Crew;
  before(() => {
    crew = new Crew(18);
  });
  after(() => crew.dismiss());

  for (const run of QUICK_RUNS) {
    const bound = run.preemptions === undefined ? '' : `, with at most ${run.preemptions} preemptions`;
    const title = `${run.scenario} (${run.model})`;
    const define = LONG.includes(title) ? itLong : it;
    define(`${title}${bound}`, async () => {
      const found = await crew.explore(planOf(run));
      expect(found.failure, found.schedule).to.equal(undefined);
      expect(shortfallOf(run, found)).to.equal(undefined);
    });
  }

  it('all scenarios in the short form, whatever is left to the long one', () => {
    const short = QUICK_RUNS.filter(({ scenario, model }) => !LONG.includes(`${scenario} (${model})`));
    expect(short.map(({ scenario }) => scenario)).to.include.members(scenarios);
    expect(short).to.have.length(QUICK_RUNS.length - LONG.length);
  });

  it('all scenarios, here and in the thorough run', () => {
    for (const runs of [QUICK_RUNS, THOROUGH_RUNS]) {
      expect(runs.map(({ scenario }) => scenario)).to.include.members(scenarios);
    }
  });
});
