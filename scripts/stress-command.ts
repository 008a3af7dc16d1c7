/** `dirtymem stress`: the stress test with hotplug on real threads. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  KERNELS,
  MOST_PAGES_PER_BLOCK,
  MOST_SECONDS,
  PAGE_SIZE,
  type StressKernel,
  type StressPlan,
} from '../lib/stress/plan.js';
import { type StressProgress, StressRun } from '../lib/stress/run.js';
import { SABOTAGES } from '../lib/stress/sabotage/catalogue.js';
import { integer } from './integer.js';
import { exitCodeAfter, interruptible } from './interruption.js';
import { ProgressBar } from './progress-bar.js';
import { stressPage } from './report/stress-page.js';
import { reportFile, writeReport } from './report-file.js';
import { stressTable } from './stress-table.js';
import { vcpusOf, verdictOf } from './stress-verdict.js';

interface StressOptions {
  readonly vcpus: number;
  readonly seconds: number;
  readonly seed?: number;
  readonly pageSize: number;
  readonly pagesPerBlock?: number;
  readonly kernel?: StressKernel;
  readonly sabotage?: string;
  readonly faults?: boolean;
  readonly json?: string;
  readonly html?: string;
  readonly quiet?: boolean;
}

export function addStressCommand(program: Command): void {
  program
    .command('stress')
    .description('plug, unplug, mark and collect on real threads, and check every result')
    .addOption(new Option('--vcpus <n>', 'vCPU threads').argParser(integer(1, 256)).default(4))
    .addOption(
      new Option(
        '--seconds <s>',
        'how long to run; below about 5, the run is likely to fail as vacuous: too little happened to test anything',
      )
        .argParser(seconds)
        .default(10),
    )
    .addOption(
      new Option('--seed <n>', 'repeat the choices of a run (default: random)').argParser(integer(0, 2 ** 32 - 1)),
    )
    .addOption(
      new Option('--page-size <bytes>', 'page size, a power of two')
        .argParser(powerOfTwo(1, 2 ** 30))
        .default(PAGE_SIZE),
    )
    .addOption(
      new Option(
        '--pages-per-block <n>',
        'pages of a bitmap block, a power of two (default: the seed chooses)',
      ).argParser(powerOfTwo(64, MOST_PAGES_PER_BLOCK)),
    )
    .addOption(
      new Option('--kernel <name>', 'kernel of the bulk operations on bitmaps (default: the seed chooses)').choices(
        KERNELS,
      ),
    )
    .addOption(
      new Option('--sabotage <name>', "plant a bug and search for it; 'list' prints the bugs").argParser(sabotageName),
    )
    .option('--faults', 'also kill and block threads, fill the arena, and throw from listeners and callbacks')
    .addOption(new Option('--json <file>', 'write the report to a file').argParser(reportFile))
    .addOption(
      new Option(
        '--html <file>',
        'write the report as a page with charts and, after a violation, the last events of the threads',
      ).argParser(reportFile),
    )
    .addOption(new Option('--campaign <file>').argParser(campaignMoved).hideHelp())
    .option('--quiet', 'print the verdict only')
    .addHelpText('after', helpText())
    .action(run);
}

async function run(options: StressOptions): Promise<void> {
  if (options.sabotage === 'list') {
    for (const [name, { description, oracles }] of Object.entries(SABOTAGES)) {
      const finders = oracles.length === 0 ? 'npm run check:interleavings only' : oracles.join(', ');
      console.log(`${name}: ${description} (found by ${finders})`);
    }
    return;
  }
  const plan: StressPlan = {
    vcpus: options.vcpus,
    seconds: options.seconds,
    pageSize: options.pageSize,
    pagesPerBlock: options.pagesPerBlock,
    kernel: options.kernel,
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 32),
    sabotage: options.sabotage,
    faults: options.faults === true || SABOTAGES[options.sabotage ?? '']?.needsFaults === true,
  };
  const interruption = interruptible();
  const progress = options.quiet ? undefined : startProgress(plan);
  const stress = new StressRun(plan, (now) => progress?.update(now), interruption, options.html !== undefined);
  const report = await stress.run();
  progress?.stop();
  const { spans, eventsBeforeViolation: events } = stress;
  const verdict = verdictOf(report, plan);
  if (!options.quiet) console.log(stressTable(report, spans));
  for (const { oracle, detail, second } of report.violations)
    console.log(`${oracle} after ${second.toFixed(2)} s: ${detail}`);
  console.log(verdict);
  process.exitCode = report.verdict === 'fail' ? 1 : report.interrupted ? exitCodeAfter(interruption) : 0;
  if (options.json !== undefined) writeReport(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (options.html !== undefined) writeReport(options.html, stressPage({ report, plan, verdict, spans, events }));
  // A thread that hangs must not keep the process alive once all output is written.
  setTimeout(() => process.stdout.write('', () => process.exit()), 500).unref();
}

function startProgress(plan: StressPlan): { update(now: StressProgress): void; stop(): void } {
  console.log(
    `stress: ${vcpusOf(plan)} for ${plan.seconds} s, seed ${plan.seed}${plan.sabotage ? `, sabotaged: ${plan.sabotage}` : ''}`,
  );
  const bar = new ProgressBar({
    format:
      '{bar} {percentage}% | {marks} M marks/s | {ram} MiB RAM | {periods} grace periods | {pages} pages harvested | {violations} violations',
    barsize: 16,
    clearOnComplete: false,
    noTTYOutput: true,
    notTTYSchedule: 2000,
  });
  const payload = (now?: StressProgress) => ({
    marks: ((now?.marksPerSecond ?? 0) / 1e6).toFixed(1),
    ram: Math.round((now?.ramBytes ?? 0) / 2 ** 20),
    periods: now?.gracePeriods ?? 0,
    pages: now?.pagesHarvested ?? 0,
    violations: now?.violations ?? 0,
  });
  bar.start(100, 0, payload());
  return {
    update: (now) => bar.update(Math.round(now.done * 100), payload(now)),
    stop: () => bar.stop(),
  };
}

function helpText(): string {
  return '\nExit status: 0 pass, 1 violation, 2 usage error, 130 interrupted by Ctrl-C (143 by SIGTERM) before a violation.';
}

function sabotageName(name: string): string {
  if (name === 'list' || Object.hasOwn(SABOTAGES, name)) return name;
  throw new InvalidArgumentError("It must be a name that '--sabotage list' prints.");
}

function powerOfTwo(least: number, most: number): (text: string) => number {
  const parse = integer(least, most);
  return (text) => {
    const value = parse(text);
    if (!Number.isInteger(Math.log2(value))) throw new InvalidArgumentError('It must be a power of two.');
    return value;
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= MOST_SECONDS)) {
    throw new InvalidArgumentError('It must be a number of seconds above 0, at most 2,000,000.');
  }
  return value;
}

function campaignMoved(): never {
  throw new InvalidArgumentError("Campaigns have a command of their own: 'dirtymem campaign FILE'.");
}
