import { expect } from 'chai';
import { StressRun } from '../../lib/stress/run.js';
import { SABOTAGES } from '../../lib/stress/sabotage/catalogue.js';
import { runCommand } from '../support/command-line.js';

const BUDGET_SECONDS = 30;
const SEED = 1;

/** @returns what found it, if anything did */
async function findingIn(sabotage: string): Promise<string | undefined> {
  const plan = { vcpus: 4, seconds: BUDGET_SECONDS, seed: SEED, sabotage, faults: false };
  const { violations } = await new StressRun(plan, () => {}, new AbortController().signal).run();
  return violations[0]?.oracle;
}

/** In a process of its own: with faults there are uncaught errors, and what is broken may hang. */
async function findingInProcess(sabotage: string): Promise<string | undefined> {
  const run = ['--seed', String(SEED), '--seconds', String(BUDGET_SECONDS), '--sabotage', sabotage];
  const { output } = await runCommand(['stress', '--quiet', ...run]);
  return /^FAIL: (\S+)/m.exec(output)?.[1];
}

describe('the stress test, with a planted bug', function () {
  this.timeout(90_000);

  for (const [name, { oracles, needsFaults }] of Object.entries(SABOTAGES)) {
    if (oracles.length === 0) continue;
    it(`finds ${name}`, async () => {
      const oracle = await (needsFaults ? findingInProcess : findingIn)(name);
      expect(oracles).to.include(oracle);
    });
  }
});
