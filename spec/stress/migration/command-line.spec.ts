import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DemoReport } from '../../../lib/stress/migration/demonstration.js';
import { FAULT_KINDS } from '../../../lib/stress/migration/faults.js';
import { MIGRATION_SABOTAGES } from '../../../lib/stress/migration/sabotage.js';
import type { TortureReport } from '../../../lib/stress/migration/torture.js';
import { runCommand } from '../../support/command-line.js';
import { itInBothForms, itLong } from '../../support/long.js';
import { until } from '../../support/promises.js';
import { expectRefused } from '../refused-commands.js';

describe('dirtymem migrate-demo, the command line', () => {
  const before = process.env.TMPDIR;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-demo-'));
    process.env.TMPDIR = folder;
  });

  afterEach(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true });
  });

  /** The processes that a command here has started and that are still there: each has its folder for an argument. */
  const hosts = (): string[] =>
    execFileSync('ps', ['-A', '-o', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((args) => args.includes('migration-host') && args.includes(folder));

  const expectNothingLeft = (): void => {
    expect(hosts()).to.deep.equal([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('dirtymem-'))).to.deep.equal([]);
  };

  it('sends a machine to another process, where it runs as it was', async () => {
    const json = join(folder, 'report.json');
    const flags = ['--ram', '2', '--vcpus', '3', '--dirty-rate', '900', '--downtime', '500', '--seed', '7'];
    const { code, output } = await runCommand(['migrate-demo', ...flags, '--json', json]);
    expect(code, output).to.equal(0);
    expect(output).to.match(/^PASS: the machine runs in the other process, as it was \(seed 7\)$/m);
    expect(output).to.match(/│ RAM +│ equal on both sides/);
    expect(output, 'a live line where there is no terminal').not.to.include('round 1');

    const report: DemoReport = JSON.parse(readFileSync(json, 'utf8'));
    expect(report).to.include({ verdict: 'pass', interrupted: false, equal: true, dimmsToggled: 0 });
    expect(report.violations).to.deep.equal([]);
    expect(report.plan.guest).to.deep.equal({ seed: 7, vcpus: 3, dirtyRate: 900, dimmPages: 128 });
    expect(report.result?.rounds).to.be.at.least(2);
    expect(report.result?.pagesSent).to.be.above(100);
    expect(report.result?.pagesZero).to.be.above(100);
    expect(report.result?.bytesSent).to.be.above((report.result?.pagesSent as number) * 4096);
    expect(report.progress.map(({ phase }) => phase)).to.include.members(['copying', 'switching', 'deciding']);
    expect(report.progress.map(({ round }) => round)).to.include(report.result?.rounds);
    expectNothingLeft();
  });

  itLong('sends one whose DIMMs come and go, over a slow link', async () => {
    const json = join(folder, 'report.json');
    const flags = ['--ram', '4', '--bandwidth', '2', '--dirty-rate', '200', '--hotplug', '--no-auto-converge'];
    const { code, output } = await runCommand(['migrate-demo', ...flags, '--json', json, '--quiet']);
    expect(code, output).to.equal(0);
    expect(output).to.match(/^PASS: .*\n$/);
    const report: DemoReport = JSON.parse(readFileSync(json, 'utf8'));
    expect(report.dimmsToggled).to.be.at.least(2);
    expect(report).to.include({ equal: true, throttle: 0 });
  });

  const title = 'migrates again and again while processes are killed, the link fails, and others change their mind';
  itInBothForms(title, 6, 12, async (runs) => {
    const json = join(folder, 'report.json');
    const { code, output } = await runCommand([
      ...['migrate-demo', '--faults', '--runs', String(runs), '--ram', '1', '--seed', '1', '--json', json],
    ]);
    expect(code, output).to.equal(0);
    expect(output)
      .to.include(`PASS: always exactly one good machine (${runs} migrations, `)
      .and.to.match(/^PASS: .*, \d+\.\d s, seed 1\)$/m);
    const report: TortureReport = JSON.parse(readFileSync(json, 'utf8'));
    expect(report).to.include({ verdict: 'pass', interrupted: false, runs, seed: 1, sabotage: null });
    const { arrived, stayed, gone } = report.fates;
    expect(arrived + stayed + gone).to.equal(runs);
    expect(Object.keys(report.tally)).to.deep.equal(['none', ...FAULT_KINDS]);
    expectNothingLeft();
  });

  itLong('fails a run in which too little happened as vacuous', async () => {
    // This seed's only fault is a link that is cut at the first message.
    const flags = ['--faults', '--runs', '1', '--ram', '1', '--seed', '472'];
    const { code, output } = await runCommand(['migrate-demo', ...flags]);
    expect(code, output).to.equal(1);
    expect(output)
      .to.match(/^vacuous: no machine arrived$/m)
      .and.to.match(/^vacuous: only 0 faults struck in a switch-over$/m)
      .and.to.match(/^vacuous: no fault struck between the last message and the decision$/m)
      .and.to.match(/^repeat: npm run migrate-demo -- .*--faults --runs 1 --seed 472$/m);
  });

  /** Runs it until both of its processes are there, and then ends it. */
  async function interrupt(flags: readonly string[], signal: NodeJS.Signals) {
    const interrupted: Promise<void>[] = [];
    const outcome = await runCommand(['migrate-demo', ...flags], (_, kill) => {
      if (interrupted.length === 0) interrupted.push(until(() => hosts().length === 2).then(() => kill(signal)));
    });
    await Promise.all(interrupted);
    return outcome;
  }

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const define = signal === 'SIGTERM' ? itLong : it;
    define(`ends on ${signal}, and leaves no process behind`, async () => {
      const json = join(folder, 'report.json');
      const { code, output } = await interrupt(['--faults', '--seconds', '600', '--json', json], signal);
      expect(code, output).to.equal(exitCode);
      expect(output)
        .to.match(/^INTERRUPTED: no violation so far/m)
        .and.not.to.include('PASS');
      expect(JSON.parse(readFileSync(json, 'utf8'))).to.include({ interrupted: true });
      expectNothingLeft();
    });
  }

  itLong('leaves no process behind when it is killed itself', async () => {
    const { code } = await interrupt(['--ram', '1', '--bandwidth', '1', '--dirty-rate', '5000'], 'SIGKILL');
    expect(code).to.equal(null);
    await until(() => hosts().length === 0);
  });

  itInBothForms('refuses what it does not understand with exit code 2, and runs nothing', 4, Infinity, async (most) => {
    const refused: readonly (readonly string[])[] = [
      ['--ram', '0'],
      ['--ram', '1.5'],
      ['--vcpus', '65'],
      ['--dirty-rate', '-1'],
      ['--dirty-rate', '3', '--vcpus', '4'],
      ['--downtime', 'short'],
      ['--bandwidth', '0'],
      ['--runs', '3'],
      ['--seconds', '3'],
      ['--faults', '--seconds', '3', '--runs', '3'],
      ['--faults', '--hotplug'],
      ['--faults', '--downtime', '3'],
      ['--seed', '4294967296'],
      ['--sabotage', 'nothing'],
      ['--sabotage', 'toString'],
      ['--sabotage', '__proto__'],
      ['--sabotage', 'source-stays-paused'],
      ['--json', join(folder, 'missing', 'report.json')],
      ['--unknown'],
      ['extra'],
    ];
    await expectRefused(refused.slice(0, most).map((flags) => ['migrate-demo', ...flags]));
  });

  it('lists the planted bugs, each with a line that says what it is and what finds it', async () => {
    const { code, output } = await runCommand(['migrate-demo', '--sabotage', 'list']);
    expect(code).to.equal(0);
    const lines = Object.entries(MIGRATION_SABOTAGES).map(
      ([name, { description, oracles, needsFaults }]) =>
        `${name}: ${description} (found ${needsFaults ? 'with --faults ' : ''}by ${oracles.join(', ')})\n`,
    );
    expect(output).to.equal(lines.join(''));
  });
});
