import { expect } from 'chai';
import { StressRun } from '../../lib/stress/run.js';
import { SABOTAGES } from '../../lib/stress/sabotage.js';

/** The oracles that may find each planted bug. */
const FOUND_BY: Readonly<Record<string, readonly string[]>> = {
  'free-without-grace-period': ['use-after-free', 'mark-to-gone-ram'],
  'harvest-without-grace-period': ['use-after-free', 'lockstep-litmus', 'lost-update', 'query-model', 'counts'],
  'swap-without-grace-period': ['use-after-free', 'lost-update', 'lockstep-litmus', 'query-model', 'counts'],
  'spare-block-not-zeroed': ['use-after-free'],
  'seed-find-next-bit': ['query-model', 'plug'],
};

const BUDGET_SECONDS = 30;

describe('the stress test, with a planted bug', function () {
  this.timeout(90_000);

  for (const name of Object.keys(SABOTAGES)) {
    it(`finds ${name}`, async () => {
      const plan = { vcpus: 4, seconds: BUDGET_SECONDS, seed: 1, sabotage: name };
      const report = await new StressRun(plan, () => {}, new AbortController().signal).run();
      expect(report.verdict).to.equal('fail');
      expect(FOUND_BY[name], JSON.stringify(report.violations)).to.include(report.violations[0]?.oracle);
    });
  }
});
