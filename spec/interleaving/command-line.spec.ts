import { expect } from 'chai';
import { type Outcome, runScript } from '../support/command-line.js';
import { itInBothForms, itLong } from '../support/long.js';

describe('npm run check:interleavings, the command line', () => {
  const check = (...args: string[]): Promise<Outcome> => runScript('scripts/check-interleavings.ts', args);

  itLong('passes a scenario in a memory model, and says what it explored', async () => {
    const { code, output } = await check('--only', 'callback-against-sections', '--model', 'sc');
    expect(code, output).to.equal(0);
    expect(output).to.match(/^callback-against-sections, sc: \d+ schedules, \d+ states, 4 outcomes, exhausted/m);
  });

  it('fails on a planted bug with the replay string that repeats it', async () => {
    const { code, output } = await check('--sabotage', 'compare-off-by-one');
    expect(code, output).to.equal(1);
    expect(output).to.match(/^FAIL: use after free/m);
    const [, replay] = /^repeat: npm run check:interleavings -- --replay (\S+)$/m.exec(output) ?? [];
    const again = await check('--replay', replay ?? '');
    expect(again.code, again.output).to.equal(1);
    expect(again.output).to.match(/^thread \d \w+ Number = /m);
    expect(again.output).to.match(/^FAIL: use after free/m);
  });

  itLong('explores schedules that a seed chooses, the same ones each time', async () => {
    const args = ['--only', 'mark-against-harvest', '--model', 'sc', '--schedules', '3000', '--seed', '1'];
    const bug = ['--sabotage', 'harvest-without-grace-period'];
    for (const strategy of ['random', 'pct']) {
      const passed = await check(...args, '--strategy', strategy);
      expect(passed.code, passed.output).to.equal(0);
      expect(passed.output).to.include('3000 schedules').and.to.include('PASS: no schedule failed (seed 1)');
      const found = await check(...args, ...bug, '--strategy', strategy);
      const again = await check(...args, ...bug, '--strategy', strategy);
      expect(found.code, found.output).to.equal(1);
      const replayOf = ({ output }: Outcome): string | undefined => /--replay (\S+)$/m.exec(output)?.[1];
      expect(replayOf(found)).to.be.a('string').and.to.equal(replayOf(again));
    }
  });

  itLong('ends at Ctrl-C where it is, and says so with exit code 130', async () => {
    let interrupted = false;
    const [first, second] = ['unplug-of-the-last-pages-against-late-mark', 'offline-online-against-synchronize'];
    const args = ['--model', 'sc', '--only', first, second];
    const { code, output } = await runScript('scripts/check-interleavings.ts', args, (so, kill) => {
      if (interrupted || !so.includes('exhausted')) return;
      interrupted = true;
      kill('SIGINT');
    });
    expect(code, output).to.equal(130);
    expect(output).to.match(/^INTERRUPTED in .*, after \d+ schedules$/m);
  });

  itLong('refuses to repeat what cannot be followed, and says where', async () => {
    for (const [schedule, why] of [
      ['0:0,9:7', 'no such thread 9'],
      ['2:7000', "cannot be followed at step 1, '2:7000'"],
    ]) {
      const replay = `mark-against-harvest/sc/harvest-without-grace-period/${schedule}`;
      const { code, output } = await check('--replay', replay);
      expect(code, output).to.equal(2);
      expect(output)
        .to.include(why)
        .and.not.to.match(/^PASS|^ +at /m);
    }
  });

  itInBothForms('takes what it does not know for a usage error', 3, Infinity, async (most) => {
    const refused = [
      ['--only', 'nothing'],
      ['--sabotage', 'nothing'],
      ['--sabotage', 'constructor'],
      ['--only', 'constructor'],
      ['--replay', 'mark-against-harvest/sc/constructor/'],
      ['--replay', 'nothing'],
      ['--model', 'arm'],
      ['--strategy', 'pct'],
      ['--strategy', 'pct', '--only', 'mark-against-harvest', 'counters', '--model', 'sc'],
      ['--only', 'attach-against-attach', '--model', 'tso'],
    ];
    const outcomes = await Promise.all(refused.slice(0, most).map((args) => check(...args)));
    for (const { code, output } of outcomes) expect(code, output).to.equal(2);
  });
});
