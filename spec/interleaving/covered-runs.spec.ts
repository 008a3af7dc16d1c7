import { expect } from 'chai';
import { itLong } from '../support/long.js';
import { Crew } from './checker/crew.js';
import { type CoveredRun, planOf, QUICK_RUNS, shortfallOf, THOROUGH_RUNS } from './covered-runs.js';
import { SCENARIOS } from './scenarios/catalogue.js';
import { litmusScenarios } from './scenarios/litmus.js';

const scenarios = Object.keys(SCENARIOS).filter((name) => litmusScenarios[name] === undefined);

/** Those that take longest, of scenarios that are explored with another bound or in the other memory model as well. */
const LONG = [
  ['mark-against-swap-harvest', 'sc', 2],
  ['mark-against-swap-harvest', 'tso', 1],
  ['clean-pages-against-harvest', 'sc', undefined],
  ['aborted-swap-harvest-against-marks', 'tso', 2],
  ['extend-against-harvest', 'sc', 2],
  ['unplug-replug-against-late-mark', 'sc', 2],
  ['attach-against-attach', 'sc', 2],
  ['callback-against-barrier', 'sc', undefined],
  ['marks-against-track', 'sc', 2],
  ['marks-against-track', 'tso', 1],
  ['aborted-harvest-against-marks', 'sc', 2],
  ['kept-marks-against-harvest', 'tso', 1],
  ['two-users-against-marks', 'sc', undefined],
  ['giving-way-against-harvest', 'tso', 1],
];

const isLong = (run: CoveredRun): boolean =>
  LONG.some(([scenario, model, bound]) => {
    return scenario === run.scenario && model === run.model && bound === run.preemptions;
  });

describe('the shipped modules, under every interleaving of', () => {
  let crew: Crew;
  before(() => {
    crew = new Crew(18);
  });
  after(() => crew.dismiss());

  for (const run of QUICK_RUNS) {
    const bound = run.preemptions === undefined ? '' : `, with at most ${run.preemptions} preemptions`;
    const define = isLong(run) ? itLong : it;
    define(`${run.scenario} (${run.model})${bound}`, async () => {
      const found = await crew.explore(planOf(run));
      expect(found.failure, found.schedule).to.equal(undefined);
      expect(shortfallOf(run, found)).to.equal(undefined);
    });
  }

  it('all scenarios in the short form, whatever is left to the long one', () => {
    const short = QUICK_RUNS.filter((run) => !isLong(run));
    expect(short.map(({ scenario }) => scenario)).to.include.members(scenarios);
    expect(short).to.have.length(QUICK_RUNS.length - LONG.length);
  });

  it('all scenarios, here and in the thorough run', () => {
    for (const runs of [QUICK_RUNS, THOROUGH_RUNS]) {
      expect(runs.map(({ scenario }) => scenario)).to.include.members(scenarios);
    }
  });
});
