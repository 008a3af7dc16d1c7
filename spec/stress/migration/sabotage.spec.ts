import { expect } from 'chai';
import { demonstrate } from '../../../lib/stress/migration/demonstration.js';
import type { TransferPlan } from '../../../lib/stress/migration/plan.js';
import { MIGRATION_SABOTAGES } from '../../../lib/stress/migration/sabotage.js';
import { Torture } from '../../../lib/stress/migration/torture.js';

const GUEST = { seed: 3, vcpus: 2, dimmPages: 64, dirtyRate: 2000 };
const TRANSFER: TransferPlan = {
  ...{ downtimeMs: 300, bandwidth: undefined, autoConverge: true, verify: false, stallMs: 10_000 },
};
/** Most take a few. */
const MOST_RUNS = 80;

const undisturbed = new AbortController().signal;

/** @returns all that was found */
async function findings(sabotage: string): Promise<readonly string[]> {
  const { needsFaults } = MIGRATION_SABOTAGES[sabotage] ?? {};
  const { violations } = needsFaults
    ? await new Torture(
        { guest: GUEST, seed: GUEST.seed, runs: MOST_RUNS, seconds: undefined, sabotage },
        () => {},
      ).run(undisturbed)
    : await demonstrate({ guest: GUEST, transfer: TRANSFER, hotplug: false, sabotage }, () => {}, undisturbed);
  return violations.map(({ oracle }) => oracle);
}

describe('the judge of migrations, with a planted bug', () => {
  for (const [name, { oracles }] of Object.entries(MIGRATION_SABOTAGES)) {
    it(`finds ${name}`, async () => {
      expect(oracles).to.include((await findings(name))[0]);
    });
  }
});
