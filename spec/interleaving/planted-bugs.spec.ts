import { expect } from 'chai';
import { SABOTAGES } from '../../lib/stress/sabotage/catalogue.js';
import { MUTANTS } from '../mutants/catalogue.js';
import { itLong } from '../support/long.js';
import { Crew } from './checker/crew.js';
import { PLANTED_BUGS, planFor } from './planted-bugs.js';

/** Those that take longest, of kinds that others show as well: a mutant takes a crew of its own. */
const LONG = [
  'enter-without-second-look',
  'retired-by-slot',
  'code-marked-by-get-and-set',
  'counted-by-what-was-seen',
  'blocks-of-vga-alone',
  'blocks-of-migration-alone',
  'number-before-closed',
  'notify-before-change',
  'free-without-grace-period',
  'exchange-after-grace-period',
  'wakes-at-the-wrong-report',
  'waiting-cleared-late',
];

describe('the interleaving checker, with a planted bug', () => {
  let broken: Crew;
  /** Another one, because a crew begins anew for a mutant, and for what comes after it. */
  let sound: Crew;
  before(() => {
    broken = new Crew(14);
    sound = new Crew(14);
  });
  after(() => Promise.all([broken.dismiss(), sound.dismiss()]));

  const bugs = Object.entries(PLANTED_BUGS).flatMap(([sabotage, { scenario, alsoIn = [], sign }]) => {
    return [scenario, ...alsoIn].map((shown) => ({ sabotage, scenario: shown, sign }));
  });
  for (const { sabotage, scenario, sign } of bugs) {
    const define = LONG.includes(sabotage) || scenario !== PLANTED_BUGS[sabotage]?.scenario ? itLong : it;
    define(`finds ${sabotage} in ${scenario}, and passes the scenario without it`, async () => {
      const plan = planFor(sabotage, scenario);
      const found = await broken.explore(plan);
      expect(found.failure, `after ${found.allSchedules} schedules`).to.include(sign);
      const { sabotage: _, ...shipped } = plan;
      const passed = await sound.explore({ ...shipped, maxSchedules: found.allSchedules });
      expect(passed.failure).to.equal(undefined);
      expect(passed.allSchedules).to.equal(found.allSchedules);
    });
  }

  it('sees every kind of failure in the short form, and knows what it leaves to the long one', () => {
    const short = bugs.filter(({ sabotage }) => !LONG.includes(sabotage));
    expect(short.map(({ sign }) => sign)).to.include.members(bugs.map(({ sign }) => sign));
    expect(Object.keys(PLANTED_BUGS)).to.include.members(LONG);
  });

  it('has all of the catalogue that the torture cannot find within seconds', () => {
    const invisible = Object.keys(SABOTAGES).filter((name) => SABOTAGES[name]?.oracles.length === 0);
    expect(Object.keys(PLANTED_BUGS)).to.include.members(invisible);
    expect(Object.keys({ ...SABOTAGES, ...MUTANTS })).to.include.members(Object.keys(PLANTED_BUGS));
  });
});
