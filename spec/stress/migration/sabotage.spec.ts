import { expect } from 'chai';
import { demonstrate } from '../../../lib/stress/migration/demonstration.js';
import type { TransferPlan } from '../../../lib/stress/migration/plan.js';
import { MIGRATION_SABOTAGES } from '../../../lib/stress/migration/sabotage.js';
import { Torture } from '../../../lib/stress/migration/torture.js';
import { itLong } from '../../support/long.js';

const GUEST = { seed: 3, vcpus: 2, dimmPages: 64, dirtyRate: 2000 };
const TRANSFER: TransferPlan = {
  ...{ downtimeMs: 300, bandwidth: undefined, autoConverge: true, verify: false, stallMs: 10_000 },
};
/** Most take a few. */
const MOST_RUNS = 80;
/** Whose oracles find others as well. */
const LONG = ['destination-runs-though-it-lost', 'drops-dirty-pages-of-last-round', 'runs-on-when-it-has-left'];

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
    const define = LONG.includes(name) ? itLong : it;
    define(`finds ${name}`, async () => {
      expect(oracles).to.include((await findings(name))[0]);
    });
  }

  it('sees every oracle at work in the short form', () => {
    const short = Object.entries(MIGRATION_SABOTAGES).filter(([name]) => !LONG.includes(name));
    const oraclesOf = (bugs: typeof short): string[] => bugs.flatMap(([, { oracles }]) => oracles);
    expect(oraclesOf(short)).to.include.members(oraclesOf(Object.entries(MIGRATION_SABOTAGES)));
    expect(Object.keys(MIGRATION_SABOTAGES)).to.include.members(LONG);
  });
});
