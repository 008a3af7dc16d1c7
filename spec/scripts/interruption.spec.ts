/** What becomes of the commands when they are ended before their time. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { itLong } from '../support/long.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIRTYMEM = 'scripts/dirtymem.ts';
const BENCH = 'benchmarks/run.ts';
const INTERLEAVINGS = 'scripts/check-interleavings.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('A command that is ended before its time', () => {
  let folder: string;
  let json: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-interruption-'));
    json = join(folder, 'report.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** @param end called once, when the output so far matches */
  function run(args: readonly string[], match: RegExp, end: (child: ChildProcess) => void): Promise<Ended> {
    const child = spawn(process.execPath, ['--import', './scripts/register.mjs', ...args], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr, ended] = ['', '', false];
    const look = (): void => {
      if (ended || !match.test(stdout + stderr)) return;
      ended = true;
      end(child);
    };
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      look();
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      look();
    });
    look();
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  const kill = (signal: NodeJS.Signals) => (child: ChildProcess) => void child.kill(signal);
  const reportOf = <T>(): T => JSON.parse(readFileSync(json, 'utf8')) as T;
  const temporaryFolders = (): string[] => readdirSync(folder).filter((name) => name.startsWith('dirtymem-'));
  /** The processes that were started by a command here: each has a file of the folder for an argument. */
  const children = (): string[] =>
    execFileSync('ps', ['-A', '-o', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((args) => args.includes(`${folder}/dirtymem-`));
  const childStarted = async (): Promise<void> => {
    while (children().length === 0) await sleep(100);
  };

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const define = signal === 'SIGINT' ? it : itLong;

    define(`by ${signal} has its report so far, and ends with ${exitCode}: stress`, async () => {
      const args = [DIRTYMEM, 'stress', '--seconds', '600', '--json', json];
      const { code, stdout } = await run(args, /grace periods/, kill(signal));
      expect(code, stdout).to.equal(exitCode);
      expect(stdout).to.match(/^INTERRUPTED: no violation so far/m);
      expect(reportOf()).to.include({ verdict: 'pass', interrupted: true });
    });

    define(`by ${signal} has its report so far, and ends with ${exitCode}: bench`, async () => {
      const args = [BENCH, '--only', 'attach-detach', 'marks-during-harvest', '--rounds', '30', '--json', json];
      const { code, stdout, stderr } = await run(args, /repeat: .* attach-detach/, kill(signal));
      expect(code, stdout).to.equal(exitCode);
      expect(stdout).to.match(/^INTERRUPTED: 1 of 2 questions have an answer$/m);
      expect(stderr).to.equal('');
      const { interrupted, answers } = reportOf<{ interrupted: boolean; answers: { name: string }[] }>();
      expect(interrupted).to.equal(true);
      expect(answers.map(({ name }) => name)).to.deep.equal(['attach-detach']);
      expect(temporaryFolders()).to.deep.equal([]);
    });
  }

  itLong('by SIGTERM has its report so far, and ends with 143: litmus', async () => {
    const args = [DIRTYMEM, 'litmus', '--rounds', '1000000000'];
    const { code, stdout } = await run(args, /of \d+\.\d M rounds/, kill('SIGTERM'));
    expect(code, stdout).to.equal(143);
    expect(stdout)
      .to.match(/^INTERRUPTED: nothing was lost so far/m)
      .and.to.include('all harvests');
  });

  it('by SIGTERM says so, and ends with 143: check:interleavings', async () => {
    const [first, second] = ['unplug-of-the-last-pages-against-late-mark', 'offline-online-against-synchronize'];
    const args = [INTERLEAVINGS, '--model', 'sc', '--only', first, second];
    const { code, stdout } = await run(args, /exhausted/, kill('SIGTERM'));
    expect(code, stdout).to.equal(143);
    expect(stdout).to.match(/^INTERRUPTED in /m);
  });

  itLong('by a second signal ends at once', async () => {
    const both = (child: ChildProcess): void => {
      child.kill('SIGINT');
      child.kill('SIGTERM');
    };
    const { code, stdout } = await run([DIRTYMEM, 'stress', '--seconds', '600'], /grace periods/, both);
    expect(code).to.be.oneOf([130, 143]);
    expect(stdout).not.to.include('INTERRUPTED');
  });

  itLong('because nobody reads its progress any more has its report so far, and ends quietly', async () => {
    const args = [DIRTYMEM, 'stress', '--seconds', '600', '--json', json];
    const { code, stdout } = await run(args, /grace periods/, (child) => child.stderr?.destroy());
    expect(code, stdout).to.equal(141);
    expect(stdout).to.match(/^INTERRUPTED: no violation so far/m);
    expect(reportOf()).to.include({ verdict: 'pass', interrupted: true });
  });

  itLong('is not ended because nobody reads its verdict, which its report and its exit code have', async () => {
    const args = [DIRTYMEM, 'stress', '--seconds', '0.01', '--json', json];
    const { code, stderr } = await run(args, /grace periods/, (child) => child.stdout?.destroy());
    expect(code, stderr).to.equal(1);
    expect(stderr).not.to.match(/Error|EPIPE/);
    expect(reportOf()).to.include({ verdict: 'fail', interrupted: false });
  });

  for (const [form, ...args] of [
    [itLong, DIRTYMEM, '--help'],
    [it, DIRTYMEM, 'stress', '--sabotage', 'list'],
    [itLong, DIRTYMEM, 'migrate-demo', '--sabotage', 'list'],
    [itLong, DIRTYMEM, 'migrate-demo', '--ram', '1', '--seed', '1'],
    [itLong, DIRTYMEM, 'litmus', '--rounds', '1000000'],
    [it, BENCH, '--only', 'attach-detach', '--quick'],
    [itLong, INTERLEAVINGS, '--only', 'callback-against-sections', '--model', 'sc'],
    [it, 'scripts/print-layout.ts'],
  ] as const) {
    form(`because nobody ever read its output ends quietly: ${args.join(' ')}`, async () => {
      const { code, stderr } = await run(args, /^/, (child) => child.stdout?.destroy());
      expect(code, stderr).to.be.oneOf([0, 141]);
      expect(stderr).not.to.match(/Error|EPIPE/);
    });
  }

  itLong('writes its report also when Ctrl-C has ended the reader of its output as well', async () => {
    const both = (child: ChildProcess): void => {
      child.kill('SIGINT');
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const args = [DIRTYMEM, 'stress', '--seconds', '600', '--json', json];
    expect((await run(args, /grace periods/, both)).code).to.be.oneOf([130, 141]);
    expect(reportOf()).to.include({ interrupted: true });
  });

  itLong('by SIGTERM: a campaign ends its runs, with 143, and leaves nothing but its results', async () => {
    const campaign = join(folder, 'campaign.json');
    writeFileSync(campaign, JSON.stringify({ vcpus: 2, seconds: 600 }));
    const args = [DIRTYMEM, 'campaign', campaign];
    const { code, stdout } = await run(args, /0 of 1 runs/, (child) => {
      void childStarted().then(() => child.kill('SIGTERM'));
    });
    expect(code, stdout).to.equal(143);
    expect(stdout).to.include('INTERRUPTED: 0 of 0 runs passed; interrupted, the same command runs the other 1');
    expect(children()).to.deep.equal([]);
    expect(readdirSync(folder)).to.have.members(['campaign.json', 'campaign.results.jsonl']);
  });

  itLong('by SIGKILL: the runs of a campaign end with it, and the next campaign removes what it left', async () => {
    const campaign = join(folder, 'campaign.json');
    writeFileSync(campaign, JSON.stringify({ vcpus: 2, seconds: 600 }));
    const args = [DIRTYMEM, 'campaign', campaign];
    const killed = await run(args, /0 of 1 runs/, (child) => {
      void childStarted().then(() => child.kill('SIGKILL'));
    });
    expect(killed.code).to.equal(null);
    while (children().length > 0) await sleep(100);
    expect(temporaryFolders()).to.have.length(1);
    const next = await run(args, /0 of 1 runs/, (child) => {
      void childStarted().then(() => child.kill('SIGTERM'));
    });
    expect(next.code, next.stderr).to.equal(143);
    expect(readdirSync(folder)).to.have.members(['campaign.json', 'campaign.results.jsonl']);
  });
});
