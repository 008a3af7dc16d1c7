import { expect } from 'chai';
import { SABOTAGES } from '../../lib/stress/sabotage/catalogue.js';
import { runCommand } from '../support/command-line.js';

const BUDGET_SECONDS = 30;

describe('the stress test, with a planted bug', function () {
  this.timeout(90_000);

  for (const [name, { oracles }] of Object.entries(SABOTAGES)) {
    if (oracles.length === 0) continue;
    it(`finds ${name}`, async () => {
      const run = ['stress', '--quiet', '--seed', '1', '--seconds', String(BUDGET_SECONDS), '--sabotage', name];
      const { code, output } = await runCommand(run);
      expect(code, output).to.equal(1);
      const oracle = /^FAIL: (\S+)/m.exec(output)?.[1];
      expect(oracles, output).to.include(oracle);
    });
  }
});
