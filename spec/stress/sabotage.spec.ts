import { expect } from 'chai';
import { StressRun } from '../../lib/stress/run.js';
import { SABOTAGES } from '../../lib/stress/sabotage/catalogue.js';
import { runCommand } from '../support/command-line.js';
import { itLong } from '../support/long.js';

/**
 * Together the budget of a planted bug. Each is a run with a seed of its own: some bugs show at the end of a run alone,
 * and some shapes of a run hide one. Nearly all show in the first run; a busy machine needs more.
 */
const BUDGET_SECONDS = [2, 4, 8, 16, 30];
/** The same where a run that ships does too little as well if it is too short. */
const VACUOUS_BUDGET_SECONDS = [8, 22];
/** Threads are killed some times a second, and not each dies in the middle of something. */
const FAULTS_BUDGET_SECONDS = 200;
/** Most take less than two. */
const LONGER_SECONDS = 10;
const SEED = 1;

/** For each oracle that finds bugs of its own one that shows soon. */
const SHORT = [
  'free-without-grace-period',
  'harvest-without-grace-period',
  'callback-without-grace-period',
  'quiescent-inside-section',
  'blocks-looked-for-in-one-table',
  'turned-pages-uncounted',
  'import-past-end',
  'collected-twice',
  'swap-never-cancelled',
  'tables-never-shrink',
  'code-turned-told-twice',
  'notify-lost',
  'second-page-unmarked',
];

/** @returns what found it, if anything did */
async function findingIn(sabotage: string | undefined, seconds: number, seed = SEED): Promise<string | undefined> {
  const plan = { vcpus: 4, seconds, seed, sabotage, faults: false };
  const { violations } = await new StressRun(plan, () => {}, new AbortController().signal).run();
  return violations[0]?.oracle;
}

async function findingInBudget(sabotage: string, oracles: readonly string[]): Promise<string | undefined> {
  let found: string | undefined;
  const budget = oracles.includes('vacuous') ? VACUOUS_BUDGET_SECONDS : BUDGET_SECONDS;
  for (const [attempt, seconds] of budget.entries()) {
    found = await findingIn(sabotage, seconds, SEED + attempt);
    // On a busy machine what is broken may well do too little in the first run.
    if (found !== undefined && (found !== 'vacuous' || oracles.includes(found))) return found;
  }
  return found;
}

/** In a process of its own: with faults there are uncaught errors, and what is broken may hang. */
async function findingInProcess(how: readonly string[], seconds = FAULTS_BUDGET_SECONDS): Promise<string | undefined> {
  const { output } = await runCommand([
    'stress',
    '--quiet',
    '--seed',
    String(SEED),
    '--seconds',
    String(seconds),
    ...how,
  ]);
  const [, found] = /^(?:FAIL: (\S+)|PASS: )/m.exec(output) ?? expect.fail(output);
  return found;
}

describe('the stress test, with a planted bug', () => {
  for (const [name, { oracles, needsFaults }] of Object.entries(SABOTAGES)) {
    if (oracles.length === 0) continue;
    const define = SHORT.includes(name) ? it : itLong;
    define(`finds ${name}`, async () => {
      const oracle = needsFaults ? await findingInProcess(['--sabotage', name]) : await findingInBudget(name, oracles);
      expect(oracles).to.include(oracle);
    });
  }

  it('has in its short form each oracle that finds a bug alone, but for that of a run that does too little', () => {
    const alone = (names: readonly string[]): string[] =>
      names
        .map((name) => SABOTAGES[name]?.oracles ?? [])
        .filter(({ length }) => length === 1)
        .flat();
    expect(Object.keys(SABOTAGES)).to.include.members(SHORT);
    expect([...alone(SHORT), 'vacuous']).to.include.members(alone(Object.keys(SABOTAGES)));
  });

  itLong('finds nothing in the engine as it ships, for longer than it needed for nearly all of them', async () => {
    expect(await findingIn(undefined, LONGER_SECONDS)).to.equal(undefined);
  });

  itLong('nor with faults', async () => {
    expect(await findingInProcess(['--faults'], LONGER_SECONDS)).to.equal(undefined);
  });
});
