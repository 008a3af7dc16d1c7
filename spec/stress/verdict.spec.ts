import { expect } from 'chai';
import { type Judged, verdictOf } from '../../scripts/stress-verdict.js';

const plan = { vcpus: 4, seconds: 10, seed: 7, sabotage: undefined, faults: false };
const passed: Judged = { verdict: 'pass', interrupted: false, vcpus: 4, seconds: 10, seed: 7, violations: [] };

describe('the verdict of a stress run', () => {
  it('is a pass, or that it was interrupted', () => {
    expect(verdictOf(passed, plan)).to.equal('PASS: no violation (4 vCPUs, 10.0 s, seed 7)');
    const interrupted = { ...passed, interrupted: true, vcpus: 1 };
    expect(verdictOf(interrupted, plan)).to.equal('INTERRUPTED: no violation so far (1 vCPU, 10.0 s, seed 7)');
  });

  it('is a failure, with the command that repeats it, even of a run that was interrupted', () => {
    const violations = [{ oracle: 'lost-update', detail: 'page 5', second: 1 }];
    const failed: Judged = { ...passed, verdict: 'fail', interrupted: true, violations };
    expect(verdictOf(failed, plan)).to.equal(
      'FAIL: lost-update (4 vCPUs, 10.0 s, seed 7)\nrepeat: npm run stress -- --vcpus 4 --seconds 10 --seed 7',
    );
  });

  it('names a planted bug that was not found, and what finds it when this test cannot', () => {
    const invisible = verdictOf(passed, { ...plan, sabotage: 'enter-without-second-look' }).split('\n')[1];
    expect(invisible).to.match(/^planted: enter-without-second-look, a reader that comes online/);
    expect(invisible).to.include('npm run check:interleavings -- --sabotage enter-without-second-look finds it');
    const missed = verdictOf(passed, { ...plan, sabotage: 'compare-off-by-one' }).split('\n')[1];
    expect(missed).to.match(/^planted: compare-off-by-one, .*: not found in this run$/);
  });
});
