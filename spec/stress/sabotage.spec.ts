import { expect } from 'chai';
import { StressRun } from '../../lib/stress/run.js';
import { SABOTAGES } from '../../lib/stress/sabotage/catalogue.js';

const BUDGET_SECONDS = 30;

async function run(sabotage: string | undefined, faults: boolean, seconds: number) {
  const plan = { vcpus: 4, seconds, seed: 1, sabotage, faults };
  return new StressRun(plan, () => {}, new AbortController().signal).run();
}

describe('the stress test, with a planted bug', function () {
  this.timeout(90_000);

  for (const [name, { oracles, needsFaults = false }] of Object.entries(SABOTAGES)) {
    if (oracles.length === 0) continue;
    it(`finds ${name}`, async () => {
      const report = await run(name, needsFaults, BUDGET_SECONDS);
      expect(report.verdict).to.equal('fail');
      expect(oracles, JSON.stringify(report.violations)).to.include(report.violations[0]?.oracle);
    });
  }
});
