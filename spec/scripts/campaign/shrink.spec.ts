import { expect } from 'chai';
import type { RunResult } from '../../../lib/stress/campaign/results-file.js';
import { parseRun, type Run } from '../../../lib/stress/campaign/run.js';
import { shrink, simplerThan } from '../../../scripts/campaign/shrink.js';
import { resultOf } from '../../support/campaign-results.js';

const plan = { vcpus: 8, seconds: 60, faults: true, kernel: 'wasm', pageSize: 1, seed: 5 };
const failedRun = parseRun('stress', plan);
const failed = { kind: failedRun.kind, plan: failedRun.plan, found: 'lost-update' };

/** Does runs by a rule: which oracle finds something in which run. */
const by =
  (rule: (run: Run) => string | undefined) =>
  async (runs: readonly Run[]): Promise<RunResult[]> =>
    runs.map((run): RunResult => {
      const found = rule(run);
      return found === undefined ? resultOf(run) : { ...resultOf(run), verdict: 'fail', found };
    });

describe('The search for the shortest plan that fails', () => {
  const steps: string[] = [];
  const search = (rule: (run: Run) => string | undefined, tries = 2) => {
    steps.length = 0;
    return shrink(failed, tries, by(rule), (step) => steps.push(step));
  };

  it('comes to what the bug needs, and no more', async () => {
    const needed = ({ plan: { vcpus, faults } }: Run): boolean => (vcpus as number) >= 3 && faults === true;
    const shrunk = await search((run) => (needed(run) ? 'lost-update' : undefined));
    expect(shrunk?.run.repeat).to.equal('npm run stress -- --vcpus 4 --seconds 5 --seed 5 --faults');
    expect(steps[0]).to.equal(`lost-update: ${failedRun.repeat}`);
    expect(steps.at(-1)).to.equal(`lost-update: ${shrunk?.run.repeat}`);
  });

  it('tries several seeds, and names the one that failed', async () => {
    const shrunk = await search(({ plan: { seed } }) => (seed === 6 ? 'lost-update' : undefined));
    expect(shrunk?.run.plan).to.include({ seed: 6, vcpus: 1, seconds: 5, faults: false });
    expect(shrunk?.run.plan.kernel).to.equal(undefined);
  });

  it('does not take the failure of another oracle for it', async () => {
    const shrunk = await search(({ plan: { vcpus } }) => (vcpus === 8 ? 'lost-update' : 'crash'));
    expect(shrunk?.run.plan.vcpus).to.equal(8);
  });

  it('says that the run did not fail again', async () => {
    expect(await search(() => undefined)).to.equal(undefined);
  });

  it('changes one field at a time, to values that the field may have', () => {
    for (const kind of ['stress', 'migrate-demo', 'litmus', 'interleavings', 'mutation']) {
      const run = parseRun(kind, { seed: 1 });
      const simpler = simplerThan(run);
      expect(simpler, kind).not.to.deep.equal([]);
      for (const other of simpler) {
        expect(parseRun(kind, JSON.parse(JSON.stringify(other.plan)))).to.deep.equal(other);
        const changed = Object.keys(run.plan).filter((name) => run.plan[name] !== other.plan[name]);
        expect(changed, other.repeat).to.have.length(1);
      }
    }
  });
});
