/** `dirtymem litmus`: the lockstep litmus test, which races a mark against a harvest on two real threads. */
import Table from 'cli-table3';
import { type Command, Option } from 'commander';
import { commandLine } from '../lib/stress/command-line.js';
import {
  type LitmusFigures,
  type LitmusPlan,
  type LitmusProgress,
  type LitmusReport,
  runLitmus,
} from '../lib/stress/lockstep/run.js';
import { MISUSES, nameOf, ORDERS } from '../lib/stress/lockstep/variant.js';
import { SABOTAGES } from '../lib/stress/sabotage/catalogue.js';
import { integer } from './integer.js';
import { exitCodeAfter, interruptible } from './interruption.js';
import { ProgressBar } from './progress-bar.js';
import { litmusPage } from './report/litmus-page.js';
import { reportFile, writeReport } from './report-file.js';

interface LitmusOptions {
  readonly rounds: number;
  readonly misuseRounds?: number;
  readonly seed?: number;
  readonly sabotage?: string;
  readonly json?: string;
  readonly html?: string;
}

const MOST_ROUNDS = 1e12;
/** By default there are half as many rounds without a grace period: fewer of them suffice to show lost updates. */
const MISUSE_ONE_IN = 2;

export function addLitmusCommand(program: Command): void {
  program
    .command('litmus')
    .description('race marks against harvests on two threads in lockstep, and count lost updates')
    .addOption(
      new Option('--rounds <n>', 'rounds in all, divided among the variants')
        .argParser(integer(1, MOST_ROUNDS))
        .default(1_000_000),
    )
    .addOption(
      new Option(
        '--misuse-rounds <n>',
        'more rounds that leave out the grace period, to show that updates get lost then (default: half of --rounds)',
      ).argParser(integer(0, MOST_ROUNDS)),
    )
    .addOption(
      new Option('--seed <n>', 'repeat the choices of a run (default: random)').argParser(integer(0, 2 ** 32 - 1)),
    )
    .addOption(
      new Option('--sabotage <name>', 'plant a bug of the stress test and search for it').choices(
        Object.keys(SABOTAGES),
      ),
    )
    .addOption(new Option('--json <file>', 'write the report to a file').argParser(reportFile))
    .addOption(new Option('--html <file>', 'write the report as a page with charts').argParser(reportFile))
    .addHelpText(
      'after',
      '\nExit status: 0 no harvest lost an update, 1 a harvest lost an update, 2 usage error, ' +
        '130 interrupted by Ctrl-C (143 by SIGTERM) before a harvest lost one.',
    )
    .action(run);
}

async function run(options: LitmusOptions): Promise<void> {
  const plan = {
    rounds: options.rounds,
    misuseRounds: options.misuseRounds ?? Math.ceil(options.rounds / MISUSE_ONE_IN),
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 32),
    sabotage: options.sabotage,
  };
  const interruption = interruptible();
  console.log(
    `litmus: ${plan.rounds} rounds, and ${plan.misuseRounds} without a grace period; ` +
      `seed ${plan.seed}, Node ${process.version}`,
  );
  const bar = startProgress();
  const report = await runLitmus(plan, (now) => bar.update(now), interruption);
  bar.stop();
  console.log(tableOf(report));
  const verdict = verdictOf(report, plan);
  console.log(verdict);
  const lost = report.harvests.lost > 0;
  process.exitCode = lost ? 1 : report.interrupted ? exitCodeAfter(interruption) : 0;
  if (options.json !== undefined) {
    writeReport(options.json, `${JSON.stringify({ verdict: lost ? 'fail' : 'pass', ...report }, null, 2)}\n`);
  }
  if (options.html !== undefined) {
    writeReport(options.html, litmusPage({ report, verdict, repeat: repeatCommand(plan) }));
  }
}

function startProgress(): { update(now: LitmusProgress): void; stop(): void } {
  const bar = new ProgressBar({
    format:
      '{bar} {percentage}% | {millions} of {ofMillions} M rounds | {lost} updates lost, with or without a grace period',
    barsize: 16,
    noTTYOutput: true,
    notTTYSchedule: 2000,
  });
  const millions = (rounds: number): string => (rounds / 1e6).toFixed(1);
  bar.start(1, 0, { millions: 0, ofMillions: 0, lost: 0 });
  return {
    update: ({ rounds, ofRounds, lost }) => {
      bar.setTotal(ofRounds);
      bar.update(rounds, { millions: millions(rounds), ofMillions: millions(ofRounds), lost });
    },
    stop: () => bar.stop(),
  };
}

function tableOf({ variants, harvests, misuse }: LitmusReport): string {
  const table = new Table({
    head: ['variant', 'rounds', 'contested', 'lost', 'lost in a million', 'rounds/s'],
    style: { head: [], border: [] },
  });
  const row = (name: string, figures: LitmusFigures): string[] => {
    const { rounds, contested, lost, seconds } = figures;
    const numbers = [rounds, contested, lost, (lost / Math.max(1, rounds)) * 1e6, rounds / Math.max(1e-9, seconds)];
    return [name, ...numbers.map((number) => Math.round(number).toLocaleString('en-US'))];
  };
  for (const one of variants) table.push(row(nameOf(one.variant), one));
  table.push(row('all harvests', harvests), row('without a grace period', misuse));
  return table.toString();
}

function verdictOf({ harvests, misuse, variants, seed, interrupted }: LitmusReport, plan: LitmusPlan): string {
  const how = `${harvests.rounds} rounds, seed ${seed}`;
  if (harvests.lost > 0) {
    return (
      `FAIL: ${harvests.lost} updates were lost: the store is not in the copy, and the page is clean (${how})\n` +
      `repeat: ${repeatCommand(plan)}`
    );
  }
  if (interrupted) return `INTERRUPTED: nothing was lost so far (${how})`;
  if (misuse.rounds === 0) {
    return `NOTE: nothing was lost (${how}); no misuse was run, so this run does not show that an update could have been lost`;
  }
  const pass = `nothing was lost (${how}); without a grace period, ${misuse.lost} of ${misuse.rounds} rounds lost an update`;
  const unshown = ORDERS.filter((order) => !variants.some((one) => one.variant.order === order && isShown(one)));
  if (unshown.length === 0) return `PASS: ${pass}`;
  return (
    `NOTE: ${pass}.\nNo ${unshown.join(' or ')} round lost one: this machine has not shown that race, so the run proves nothing about it.\n` +
    'Run more rounds, on two cores that have nothing else to do.'
  );
}

function repeatCommand({ rounds, misuseRounds, seed, sabotage }: LitmusPlan): string {
  const planted = sabotage === undefined ? [] : ['--sabotage', sabotage];
  const misuse = misuseRounds === Math.ceil(rounds / MISUSE_ONE_IN) ? [] : ['--misuse-rounds', `${misuseRounds}`];
  return commandLine('litmus', ['--rounds', `${rounds}`, ...misuse, '--seed', `${seed}`, ...planted]);
}

function isShown({ variant, lost }: LitmusReport['variants'][number]): boolean {
  return MISUSES.some(({ collecting }) => collecting === variant.collecting) && lost > 0;
}
