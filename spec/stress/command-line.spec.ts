import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { StressReport } from '../../lib/stress/report.js';
import { SABOTAGES } from '../../lib/stress/sabotage/catalogue.js';
import { runCommand } from '../support/command-line.js';
import { itInBothForms, itLong } from '../support/long.js';
import { expectRefused } from './refused-commands.js';

describe('dirtymem stress, the command line', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('passes on the engine as it ships, and writes its report', async () => {
    const json = join(folder, 'pass.json');
    const { code, output } = await runCommand([
      'stress',
      '--seconds',
      '3',
      '--vcpus',
      '3',
      '--seed',
      '7',
      '--json',
      json,
    ]);
    expect(code, output).to.equal(0);
    expect(output).to.match(/^PASS: no violation \(3 vCPUs, 3\.\d s, seed 7\)$/m);
    const report: StressReport = JSON.parse(readFileSync(json, 'utf8'));
    expect(report).to.include({ verdict: 'pass', interrupted: false, seed: 7, vcpus: 3, sabotage: null });
    expect(report.violations).to.deep.equal([]);
    expect((report.marksPerSecond * report.seconds) / report.marks).to.be.closeTo(1, 0.001);
    expect(report.unplugs, 'everything was unplugged').to.equal(report.plugs);
    expect(report.arenaBytes.end).to.equal(report.arenaBytes.start);
    expect(report.arenaBytes.peak).to.be.above(report.arenaBytes.start);
    expect(report.gracePeriodMicros.p50).to.be.at.most(report.gracePeriodMicros.p99);
    expect(report.gracePeriodMicros.p99).to.be.at.most(report.gracePeriodMicros.max);
    expect(report.tableAges.slice(2), 'tables used two or more grace periods late').to.deep.equal([0, 0, 0, 0, 0, 0]);
    expect(report.objectGenerations).to.have.length(11);
    expect(Math.max(...report.objectGenerations.slice(2)), 'objects held through a grace period').to.equal(0);
    for (const [form, marks] of Object.entries(report.marksByForm)) expect(marks, form).to.be.above(0);
    for (const count of ['constantBlockLooks', 'objectsRetired', 'polls'] as const) {
      expect(report[count], count).to.be.above(0);
    }
    for (const count of ['harvests', 'pagesHarvested', 'extends', 'shrinks', 'gracePeriods', 'litmusRounds'] as const) {
      expect(report[count], count).to.be.above(0);
    }
  });

  itLong('passes with more vCPUs than cores', async () => {
    const { code, output } = await runCommand(['stress', '--seconds', '8', '--vcpus', '9', '--quiet']);
    expect(code, output).to.equal(0);
  });

  const withFaults =
    'loses nothing and does not hang with threads that die or hang, a full arena, and listeners that throw';
  itLong(withFaults, async () => {
    const json = join(folder, 'faults.json');
    const { code, output } = await runCommand(['stress', '--seconds', '8', '--seed', '3', '--faults', '--json', json]);
    expect(code, output).to.equal(0);
    const { faults } = JSON.parse(readFileSync(json, 'utf8')) as StressReport;
    expect(Object.keys(faults)).to.have.members([
      'threadsKilled',
      'threadsStuck',
      'threadsEndedThemselves',
      'arenaFull',
      'callbacksThatThrew',
      'listenersThatThrew',
    ]);
    for (const [kind, planted] of Object.entries(faults)) expect(planted, kind).to.be.above(0);
  });

  itLong('passes with pages and bitmap blocks of other sizes', async () => {
    const json = join(folder, 'sizes.json');
    const sizes = ['--page-size', '1', '--pages-per-block', '1024', '--kernel', 'atomics'];
    const { code, output } = await runCommand(['stress', '--seconds', '5', '--seed', '7', '--json', json, ...sizes]);
    expect(code, output).to.equal(0);
    expect(JSON.parse(readFileSync(json, 'utf8'))).to.include({ pageSize: 1, pagesPerBlock: 1024, kernel: 'atomics' });
  });

  it('fails a run that did too little as vacuous, and says how to repeat it', async () => {
    const { code, output } = await runCommand(['stress', '--seconds', '0.01', '--seed', '5', '--quiet']);
    expect(code).to.equal(1);
    expect(output).to.match(/^vacuous after .*: only \d+ \w+; a run with less than \d+ has tested nothing$/m);
    expect(output)
      .to.match(/^FAIL: vacuous \(.*\)\nNothing was found to be wrong.*\nrepeat: /m)
      .and.contain('more --seconds');
    expect(output).to.include('repeat: npm run stress -- --vcpus 4 --seconds 0.01 --seed 5');
  });

  itLong('ends cleanly on Ctrl-C, with the report so far', async () => {
    const json = join(folder, 'interrupted.json');
    let interrupted = false;
    const { code, output } = await runCommand(['stress', '--seconds', '600', '--json', json], (so, kill) => {
      if (interrupted || !so.includes('grace periods')) return;
      interrupted = true;
      kill('SIGINT');
    });
    expect(code, output).to.equal(130);
    expect(output)
      .to.match(/^INTERRUPTED: no violation so far \(4 vCPUs, /m)
      .and.not.to.include('PASS');
    expect(JSON.parse(readFileSync(json, 'utf8'))).to.include({ verdict: 'pass', interrupted: true });
  });

  itInBothForms('refuses what it does not understand with exit code 2, and runs nothing', 4, Infinity, async (most) => {
    const refused: readonly (readonly string[])[] = [
      ['stress', '--vcpus', '0'],
      ['stress', '--vcpus', '2.5'],
      ['stress', '--seconds', 'long'],
      ['stress', '--seconds', '-1'],
      ['stress', '--seed', '4294967296'],
      ['stress', '--page-size', '3'],
      ['stress', '--pages-per-block', '131072'],
      ['stress', '--kernel', 'native'],
      ['stress', '--sabotage', 'nothing'],
      ['stress', '--sabotage', 'constructor'],
      ['stress', '--sabotage', '__proto__'],
      ['stress', '--json', join(folder, 'missing', 'report.json')],
      ['stress', '--json', folder],
      ['stress', '--json', ''],
      ['stress', '--unknown'],
      ['stress', 'extra'],
      ['nothing'],
    ];
    await expectRefused(refused.slice(0, most));
  });

  it('explains itself with exit code 0', async () => {
    const { code, output } = await runCommand(['stress', '--help']);
    expect(code).to.equal(0);
    expect(output)
      .to.include('130 interrupted')
      .and.to.match(/vacuous/);
    for (const flag of ['--vcpus', '--seconds', '--seed', '--sabotage', '--json', '--faults', '--quiet']) {
      expect(output).to.include(flag);
    }
  });

  it('lists the planted bugs, each with a line that says what it is and what finds it', async () => {
    const { code, output } = await runCommand(['stress', '--sabotage', 'list']);
    expect(code).to.equal(0);
    const lines = output.trim().split('\n');
    expect(lines).to.have.length(Object.keys(SABOTAGES).length);
    for (const [i, [name, { description, oracles }]] of Object.entries(SABOTAGES).entries()) {
      expect(lines[i]).to.match(new RegExp(`^${name}: `));
      expect(lines[i]).to.include(description);
      expect(lines[i]).to.include(oracles[0] ?? 'check:interleavings');
    }
  });
});
