/** `dirtymem migrate-demo`: migrates a machine to another process while its vCPUs store, with or without faults. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { MigrationProgress } from '../lib/migration/index.js';
import { commandLine } from '../lib/stress/command-line.js';
import { type DemoReport, demonstrate } from '../lib/stress/migration/demonstration.js';
import { type DemoPlan, FIRST_DIMMS, type GuestPlan, PAGE } from '../lib/stress/migration/plan.js';
import { MIGRATION_SABOTAGES } from '../lib/stress/migration/sabotage.js';
import {
  Torture,
  type TorturePlan,
  type TortureProgress,
  type TortureReport,
} from '../lib/stress/migration/torture.js';
import { integer } from './integer.js';
import { exitCodeAfter, interruptible } from './interruption.js';
import { demoTable, tortureTable } from './migrate-demo-tables.js';
import { ProgressBar } from './progress-bar.js';
import { demoPage, type Moment, torturePage } from './report/migrate-demo-page.js';
import { reportFile, writeReport } from './report-file.js';

interface DemoOptions {
  readonly ram?: number;
  readonly vcpus: number;
  readonly dirtyRate: number;
  readonly downtime: number;
  readonly bandwidth?: number;
  readonly autoConverge: boolean;
  readonly hotplug?: boolean;
  readonly faults?: boolean;
  readonly runs?: number;
  readonly seconds?: number;
  readonly seed?: number;
  readonly sabotage?: string;
  readonly json?: string;
  readonly html?: string;
  readonly quiet?: boolean;
}

const MIB = 2 ** 20;
const RAM_MIB = 64;
/** Runs with faults test the switch-over; more RAM would only delay it. */
const TORTURE_RAM_MIB = 4;
const TORTURE_RUNS = 20;
const VCPUS = 2;
const DIRTY_RATE = 2000;
const DOWNTIME_MS = 300;
/** A side takes the other for dead after this much silence. */
const STALL_MS = 10_000;

export function addMigrateDemoCommand(program: Command): void {
  program
    .command('migrate-demo')
    .description(
      'migrate a machine to another process while its vCPUs store, and check that it runs on there unchanged',
    )
    .addOption(
      new Option('--ram <MiB>', `guest RAM (default: ${RAM_MIB}, with --faults ${TORTURE_RAM_MIB})`).argParser(
        integer(1, 1024),
      ),
    )
    .addOption(new Option('--vcpus <n>', 'vCPU threads').argParser(integer(1, 64)).default(VCPUS))
    .addOption(
      new Option('--dirty-rate <n>', 'pages that all vCPUs together dirty in a second')
        .argParser(integer(1, 10_000_000))
        .default(DIRTY_RATE),
    )
    .addOption(
      new Option('--downtime <ms>', 'longest time that the machine may be paused')
        .argParser(integer(0, 600_000))
        .default(DOWNTIME_MS),
    )
    .addOption(
      new Option('--bandwidth <MiB/s>', 'limit of the bandwidth (default: no limit)').argParser(integer(1, 100_000)),
    )
    .option('--no-auto-converge', 'do not throttle vCPUs that dirty pages faster than pages can be sent')
    .option('--hotplug', 'plug and unplug DIMMs during the migration')
    .addOption(
      new Option('--faults', 'run many migrations; kill processes, cut the link, and cause other faults').conflicts([
        ...['downtime', 'bandwidth', 'autoConverge', 'hotplug'],
      ]),
    )
    .addOption(
      new Option('--runs <n>', `with --faults: how many migrations to run (default: ${TORTURE_RUNS})`).argParser(
        integer(1, 1e9),
      ),
    )
    .addOption(
      new Option('--seconds <s>', 'with --faults: how long to run migrations')
        .argParser(integer(1, 2_000_000))
        .conflicts('runs'),
    )
    .addOption(
      new Option('--seed <n>', 'repeat the choices of a run (default: random)').argParser(integer(0, 2 ** 32 - 1)),
    )
    .addOption(
      new Option('--sabotage <name>', "plant a bug and search for it; 'list' prints the bugs").argParser(sabotageName),
    )
    .addOption(new Option('--json <file>', 'write the report to a file').argParser(reportFile))
    .addOption(new Option('--html <file>', 'write the report as a page with charts').argParser(reportFile))
    .option('--quiet', 'print the verdict only')
    .addHelpText(
      'after',
      '\nExit status: 0 pass, 1 violation, 2 usage error, 130 interrupted by Ctrl-C, 143 by SIGTERM.',
    )
    .action(run);
}

async function run(options: DemoOptions, command: Command): Promise<void> {
  if (options.sabotage === 'list') {
    for (const [name, { description, oracles, needsFaults }] of Object.entries(MIGRATION_SABOTAGES)) {
      console.log(`${name}: ${description} (found ${needsFaults ? 'with --faults ' : ''}by ${oracles.join(', ')})`);
    }
    return;
  }
  const faults = options.faults === true;
  if (!faults && MIGRATION_SABOTAGES[options.sabotage ?? '']?.needsFaults) {
    command.error(`error: option '--sabotage ${options.sabotage}' needs --faults`);
  }
  if (!faults && (options.runs ?? options.seconds) !== undefined) {
    command.error(`error: option '--${options.runs === undefined ? 'seconds <s>' : 'runs <n>'}' needs --faults`);
  }
  const { vcpus, dirtyRate } = options;
  if (dirtyRate < vcpus)
    command.error(`error: option '--dirty-rate <n>' must be at least the number of vCPUs, ${vcpus}`);
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  const ram = options.ram ?? (faults ? TORTURE_RAM_MIB : RAM_MIB);
  const guest: GuestPlan = { seed, vcpus, dirtyRate, dimmPages: (ram * MIB) / FIRST_DIMMS / PAGE };
  const interruption = interruptible();
  const { report, page } = faults
    ? await runTorture(guest, options, interruption)
    : await runDemonstration(guest, options, interruption);
  process.exitCode = report.verdict === 'fail' ? 1 : report.interrupted ? exitCodeAfter(interruption) : 0;
  if (options.json !== undefined) writeReport(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (options.html !== undefined) writeReport(options.html, page());
}

/** A report, and the page that shows it. */
interface Shown<Report> {
  readonly report: Report;
  readonly page: () => string;
}

async function runDemonstration(guest: GuestPlan, options: DemoOptions, stop: AbortSignal): Promise<Shown<DemoReport>> {
  const plan: DemoPlan = {
    guest,
    transfer: {
      downtimeMs: options.downtime,
      bandwidth: options.bandwidth === undefined ? undefined : options.bandwidth * MIB,
      autoConverge: options.autoConverge,
      verify: false, // the judge compares all RAM
      stallMs: STALL_MS,
    },
    hotplug: options.hotplug === true,
    sabotage: options.sabotage,
  };
  const again = demoArguments(plan);
  if (!options.quiet) console.log(`migrate-demo: ${again.join(' ')}`);
  const line = liveLine<MigrationProgress>(
    options.quiet,
    '{phase} | round {round} | {remaining} MiB left | {dirtied} pages/s dirtied | {bandwidth} MiB/s | ' +
      'downtime {downtime} ms | throttle {throttle}%',
    (now) => ({
      phase: now?.phase ?? 'starting',
      round: now?.round ?? 0,
      remaining: (((now?.remainingPages ?? 0) * PAGE) / MIB).toFixed(1),
      dirtied: Math.round(now?.dirtyPagesPerSecond ?? 0),
      bandwidth: ((now?.bytesPerSecond ?? 0) / MIB).toFixed(1),
      downtime: now === undefined || !Number.isFinite(now.expectedDowntimeMs) ? '?' : now.expectedDowntimeMs.toFixed(0),
      throttle: Math.round((now?.throttle ?? 0) * 100),
    }),
  );
  const began = performance.now();
  const course: Moment[] = [];
  const report = await demonstrate(
    plan,
    (now) => {
      line.update(now);
      course.push({ second: (performance.now() - began) / 1000, now });
    },
    stop,
  );
  line.stop();
  if (!options.quiet && report.result !== undefined) console.log(demoTable(report, report.result));
  for (const { oracle, detail } of report.violations) console.log(`${oracle}: ${detail}`);
  const how = `seed ${guest.seed}`;
  const repeat = commandLine('migrate-demo', again);
  const verdict =
    report.verdict === 'fail'
      ? `FAIL: ${report.violations[0]?.oracle} (${how})`
      : report.interrupted
        ? `INTERRUPTED: the machine has not arrived (${how})`
        : `PASS: the machine runs in the other process, as it was (${how})${unseen(options.sabotage)}`;
  console.log(report.verdict === 'fail' ? `${verdict}\nrepeat: ${repeat}` : verdict);
  return { report, page: () => demoPage({ report, course, verdict, repeat }) };
}

async function runTorture(guest: GuestPlan, options: DemoOptions, stop: AbortSignal): Promise<Shown<TortureReport>> {
  const { seconds, sabotage } = options;
  const runs = options.runs ?? (seconds === undefined ? TORTURE_RUNS : undefined);
  const plan: TorturePlan = { guest, seed: guest.seed, runs, seconds, sabotage };
  if (!options.quiet) console.log(`migrate-demo: ${tortureArguments(plan, plan.seed).join(' ')}`);
  const line = liveLine<TortureProgress>(
    options.quiet,
    '{run} migrations: {arrived} arrived, {stayed} stayed, {gone} killed with their process | ' +
      '{struck} faults, {inSwitchOver} in the switch-over, {inDoubt} in doubt',
    (now) => ({
      run: now?.run ?? 0,
      ...(now?.fates ?? { arrived: 0, stayed: 0, gone: 0 }),
      struck: now?.struck ?? 0,
      inSwitchOver: now?.inSwitchOver ?? 0,
      inDoubt: now?.inDoubt ?? 0,
    }),
  );
  const report = await new Torture(plan, line.update).run(stop);
  line.stop();
  if (!options.quiet) console.log(tortureTable(report));
  for (const { oracle, detail, faults } of report.violations) {
    console.log(`${oracle}: ${detail}${faults.length === 0 ? '' : ` (${faults.join('; ')})`}`);
  }
  const [first] = report.violations;
  const how = `${report.runs} migrations, ${report.seconds.toFixed(1)} s, seed ${report.seed}`;
  const repeat = commandLine('migrate-demo', tortureArguments(plan, first?.seed ?? plan.seed));
  const verdict =
    first !== undefined
      ? `FAIL: ${first.oracle} (${how})`
      : report.interrupted
        ? `INTERRUPTED: no violation so far (${how})`
        : `PASS: always exactly one good machine (${how})${unseen(sabotage)}`;
  console.log(first === undefined ? verdict : `${verdict}\nrepeat: ${repeat}`);
  return { report, page: () => torturePage({ report, verdict, repeat }) };
}

function liveLine<T>(quiet: boolean | undefined, format: string, payload: (now?: T) => object) {
  if (quiet || !process.stdout.isTTY) return { update: () => {}, stop: () => {} };
  const bar = new ProgressBar({ format, stream: process.stdout });
  bar.start(1, 0, payload());
  return { update: (now: T) => bar.update(0, payload(now)), stop: () => bar.stop() };
}

function demoArguments({ guest, transfer, hotplug, sabotage }: DemoPlan): string[] {
  const { bandwidth, downtimeMs, autoConverge } = transfer;
  return [
    ...guestArguments(guest),
    ...['--downtime', `${downtimeMs}`],
    ...(bandwidth === undefined ? [] : ['--bandwidth', `${bandwidth / MIB}`]),
    ...(autoConverge ? [] : ['--no-auto-converge']),
    ...(hotplug ? ['--hotplug'] : []),
    ...['--seed', `${guest.seed}`],
    ...(sabotage === undefined ? [] : ['--sabotage', sabotage]),
  ];
}

/** @param seed of the first migration */
function tortureArguments({ guest, runs, seconds, sabotage }: TorturePlan, seed: number): string[] {
  return [
    ...guestArguments(guest),
    '--faults',
    ...(runs === undefined ? ['--seconds', `${seconds}`] : ['--runs', `${runs}`]),
    ...['--seed', `${seed}`],
    ...(sabotage === undefined ? [] : ['--sabotage', sabotage]),
  ];
}

function guestArguments({ vcpus, dirtyRate, dimmPages }: GuestPlan): string[] {
  const ram = (dimmPages * FIRST_DIMMS * PAGE) / MIB;
  return ['--ram', `${ram}`, '--vcpus', `${vcpus}`, '--dirty-rate', `${dirtyRate}`];
}

/** A run that passes although a bug is planted must say that it did not find the bug. */
function unseen(sabotage: string | undefined): string {
  const bug = MIGRATION_SABOTAGES[sabotage ?? ''];
  return bug === undefined ? '' : `\nplanted: ${sabotage}, ${bug.description}: not found in this run`;
}

function sabotageName(name: string): string {
  if (name === 'list' || Object.hasOwn(MIGRATION_SABOTAGES, name)) return name;
  throw new InvalidArgumentError("It must be a name that '--sabotage list' prints.");
}
