import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type Campaign, parseCampaign } from '../../lib/stress/campaign/campaign-file.js';
import { type CampaignProgress, CampaignRun } from '../../lib/stress/campaign/campaign-run.js';
import { ResultsFile, type RunResult } from '../../lib/stress/campaign/results-file.js';
import { ThisMachine } from '../../lib/stress/campaign/this-machine.js';
import type { StressReport } from '../../lib/stress/report.js';
import { SABOTAGES } from '../../lib/stress/sabotage/catalogue.js';
import { BUILD } from '../support/campaign-results.js';
import { runCommand } from '../support/command-line.js';
import { itInBothForms, itLong } from '../support/long.js';
import { expectReject } from '../support/refusals.js';

const CHILD = fileURLToPath(new URL('./campaign-child.mjs', import.meta.url));
const never = new AbortController().signal;

/** All but the first line, which says what the file is. */
function resultsIn(path: string): RunResult[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.slice(1).map((line) => JSON.parse(line));
}

describe('a campaign', () => {
  let folder: string;
  let path: string;
  let started: string;
  let progress: CampaignProgress[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-'));
    path = join(folder, 'results.jsonl');
    started = join(folder, 'started');
    process.env.STARTED = started;
    progress = [];
  });
  afterEach(() => {
    open?.close();
    open = undefined;
    delete process.env.STARTED;
    rmSync(folder, { recursive: true });
  });

  let open: ResultsFile | undefined;

  /** The results file is in use by one at a time. */
  function openResults(campaign: Campaign): ResultsFile {
    open?.close();
    open = undefined;
    open = new ResultsFile(path, campaign.runs, BUILD);
    return open;
  }

  function campaignOf(fields: object, program = [process.execPath, CHILD]): CampaignRun {
    const campaign = parseCampaign(fields);
    const place = new ThisMachine(() => program, BUILD, campaign.parallel);
    return new CampaignRun(campaign, openResults(campaign), place, (now) => progress.push(now));
  }

  const seedsStarted = (): string[] => (existsSync(started) ? readFileSync(started, 'utf8').trim().split('\n') : []);
  const results = (): RunResult[] => resultsIn(path);

  it('keeps a line for each run, with the command that repeats it', async () => {
    await campaignOf({ seeds: 2, vcpus: 3 }).run(never);
    expect(results().map(({ repeat, verdict, found, detail }) => [repeat, verdict, found, detail])).to.deep.equal([
      ['npm run stress -- --vcpus 3 --seconds 10 --seed 1', 'pass', undefined, undefined],
      ['npm run stress -- --vcpus 3 --seconds 10 --seed 2', 'fail', 'lost-update', 'page 5'],
    ]);
    expect(progress.map(({ done, failed, total }) => [done, failed, total])).to.deep.equal([
      [0, 0, 2],
      [1, 0, 2],
      [2, 1, 2],
    ]);
    expect(progress.at(-1)?.secondsLeft).to.equal(0);
  });

  for (const [seed, found, said] of [
    [3, 'crash', 'SIGKILL; its output: something terrible'],
    [4, 'nonsense', 'ended with 0; its output: all is well'],
    [5, 'nonsense', 'ended with 1; its output: half a report'],
    [6, 'nonsense', 'ended with 1'],
    [12, 'refused', 'no such option'],
    [7, 'hang', 'its output: never ends'],
  ] as const) {
    const define = found === 'hang' ? itLong : it;
    define(`counts a process as failed that ends in ${found}, seed ${seed}, and keeps what it said`, async () => {
      await campaignOf({ seeds: [seed], seconds: 0.5, graceSeconds: found === 'hang' ? 2 : 5 }).run(never);
      const [result] = results();
      expect(result).to.include({ verdict: 'fail', found });
      expect(result?.detail).to.include(said);
    });
  }

  it('counts a process as failed that cannot be started', async () => {
    await campaignOf({}, [join(folder, 'missing')]).run(never);
    expect(results()[0]).to.include({ verdict: 'fail', found: 'crash' });
  });

  it('runs only what has no result yet, and counts the results that are there', async () => {
    await campaignOf({ seeds: [1] }).run(never);
    const resumed = campaignOf({ seeds: [1, 2] });
    await resumed.run(never);
    expect(seedsStarted()).to.deep.equal(['1', '2']);
    await campaignOf({ seeds: [1, 2] }).run(never);
    expect(seedsStarted()).to.deep.equal(['1', '2']);
    expect(resumed.done.map(({ verdict }) => verdict)).to.deep.equal(['pass', 'fail']);
  });

  it('runs again what had done too little, which counts until then', async () => {
    const before = campaignOf({ seeds: [0] });
    await before.run(never);
    expect(before.done.map(({ found }) => found)).to.deep.equal(['vacuous']);
    const resumed = campaignOf({ seeds: [0, 2] });
    expect(resumed.progress()).to.include({ done: 0, failed: 0, total: 2 });
    await resumed.run(never);
    await campaignOf({ seeds: [2] }).run(never);
    expect(seedsStarted()).to.deep.equal(['0', '0', '2']);
  });

  it('runs again what was interrupted by itself', async () => {
    const run = campaignOf({ seeds: [11] });
    await run.run(never);
    expect(run.progress()).to.include({ done: 0, failed: 0, total: 1 });
    expect(results()).to.deep.equal([]);
  });

  it('drops a torn last line, and runs that run again', async () => {
    await campaignOf({ seeds: 2 }).run(never);
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, whole.slice(0, -20));
    const torn = openResults(parseCampaign({ seeds: 2 }));
    expect(torn.wasTorn).to.equal(true);
    expect(torn.results.size).to.equal(1);
    await campaignOf({ seeds: 2 }).run(never);
    expect(seedsStarted()).to.deep.equal(['1', '2', '2']);
    expect(results()).to.have.length(2);
    expect(openResults(parseCampaign({ seeds: 2 })).wasTorn).to.equal(false);
  });

  it('takes no more results when one cannot be written, and ends the runs', async () => {
    const campaign = parseCampaign({ seeds: [1, 7, 8], parallel: 3, seconds: 100 });
    const full = openResults(campaign);
    full.append = () => {
      throw new Error('the disk is full');
    };
    const place = new ThisMachine(() => [process.execPath, CHILD], BUILD, 3);
    const run = new CampaignRun(campaign, full, place, () => {});
    await expectReject(() => run.run(never), Error, 'the disk is full');
    expect(results()).to.deep.equal([]);
  });

  it('has a run that is stopped end by itself, and kills one that does not', async () => {
    const stop = new AbortController();
    const run = campaignOf({ seeds: [13, 14], parallel: 2, seconds: 100 }).run(stop.signal);
    while (seedsStarted().length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    await run;
    expect(seedsStarted().sort()).to.deep.equal(['13', '13 ends by itself', '14']);
    expect(results()).to.deep.equal([]);
  });

  it('runs as many at once as it is told', async () => {
    const stop = new AbortController();
    const run = campaignOf({ seeds: [7, 8, 9, 10], parallel: 3, seconds: 100 }).run(stop.signal);
    while (seedsStarted().length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    await run;
    expect(seedsStarted().sort()).to.deep.equal(['7', '8', '9']);
    expect(results(), 'what was stopped has no result').to.deep.equal([]);
  });
});

describe('dirtymem campaign, the command line', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-'));
    file = join(folder, 'campaign.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  itLong('names the runs that failed, and the command that repeats each', async () => {
    writeFileSync(file, JSON.stringify({ vcpus: 2, seconds: 20, seeds: [3], sabotage: 'seed-find-next-bit' }));
    const { code, output } = await runCommand(['campaign', file]);
    expect(code, output).to.equal(1);
    const repeat = 'npm run stress -- --vcpus 2 --seconds 20 --seed 3 --sabotage seed-find-next-bit';
    expect(output).to.include(`repeat: ${repeat}`);
    expect(output).to.include('FAIL: 0 of 1 runs passed');
    const [result] = resultsIn(join(folder, 'campaign.results.jsonl'));
    expect(result).to.include({ repeat, verdict: 'fail' });
    expect(SABOTAGES['seed-find-next-bit']?.oracles).to.include(result?.found);
    expect((result?.report as StressReport | undefined)?.violations[0]?.oracle).to.equal(result?.found);
  });

  itLong('has runs of several kinds, and shrinks one that failed', async () => {
    const parts = [
      { kind: 'litmus', rounds: 4000, misuseRounds: 0, sabotage: 'harvest-without-grace-period' },
      { kind: 'interleavings', schedules: 300, strategy: ['random', 'pct'] },
      { kind: 'interleavings', scenario: 'there-is-none' },
      { kind: 'mutation', sample: 1, only: 'lib/rate/token-bucket.ts' },
    ];
    writeFileSync(file, JSON.stringify({ parts }));
    const results = join(folder, 'campaign.results.jsonl');
    const { code, output } = await runCommand(['campaign', file]);
    expect(code, output).to.equal(1);
    expect(resultsIn(results).map(({ kind, found }) => [kind, found])).to.deep.equal([
      ['litmus', 'lost-update'],
      ['interleavings', undefined],
      ['interleavings', undefined],
      ['interleavings', 'refused'],
      ['mutation', undefined],
    ]);
    expect(resultsIn(results).at(-1)?.report).to.include({ mutants: 1, killed: 1 });
    const shrunk = await runCommand(['campaign', 'shrink', results, '--tries', '2']);
    expect(shrunk.code, shrunk.output).to.equal(0);
    const rounds = Number(/^repeat: npm run litmus -- --rounds (\d+) /m.exec(shrunk.output)?.[1]);
    expect(rounds, shrunk.output).to.be.within(1000, 4000);
  });

  itLong('stops at Ctrl-C, and goes on with the same command', async () => {
    writeFileSync(file, JSON.stringify({ vcpus: 2, seconds: 5, seeds: 2 }));
    const results = join(folder, 'other.jsonl');
    const command = ['campaign', file, '--results', results];
    let asked = false;
    const first = await runCommand(command, async (_, kill) => {
      if (asked) return;
      asked = true;
      // The first run's result is there in the middle of the second.
      while (resultsIn(results).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      kill('SIGINT');
    });
    expect(first.code, first.output).to.equal(130);
    expect(first.output).to.include('INTERRUPTED: 1 of 1 runs passed; interrupted, the same command runs the other 1');
    const second = await runCommand(command);
    expect(second.code, second.output).to.equal(0);
    expect(second.output).to.include('PASS: 2 of 2 runs passed');
    expect(resultsIn(results)).to.have.length(2);
  });

  it('is named by stress, which made campaigns before', async () => {
    writeFileSync(file, '{}');
    const { code, output } = await runCommand(['stress', '--campaign', file]);
    expect(code, output).to.equal(2);
    expect(output).to.include("'dirtymem campaign FILE'");
  });

  itInBothForms('refuses what is no campaign with exit code 2', 2, Infinity, async (most) => {
    writeFileSync(file, '{ "vcpus": [0] }');
    const torn = join(folder, 'torn.json');
    writeFileSync(torn, '{ "vcpus": [');
    const good = join(folder, 'good.json');
    writeFileSync(good, '{}');
    const refused: readonly [args: readonly string[], part: string][] = [
      [[file], 'vcpus[0] must be an integer from 1 to 256, got 0'],
      [[torn], 'JSON'],
      [[join(folder, 'missing.json')], 'no such file'],
      [[good, '--seed', '5'], "'--seed'"],
      [[good, '--results', join(folder, 'missing', 'results.jsonl')], 'no such file'],
      [[good, '--jobs', '2', '--queue', 'redis://localhost'], 'cannot be used with'],
    ];
    for (const [args, part] of refused.slice(0, most)) {
      const { code, output } = await runCommand(['campaign', ...args]);
      expect(code, output).to.equal(2);
      expect(output).to.include(part);
    }
  });
});
