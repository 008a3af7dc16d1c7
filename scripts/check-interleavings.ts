/**
 * `npm run check:interleavings`: explores all scenarios up to their bounds, searches for a planted bug, or replays a
 * schedule.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { Crew, type Exploration } from '../spec/interleaving/checker/crew.js';
import type { MemoryModel, Plan } from '../spec/interleaving/checker/plan.js';
import { formatReplay, parseReplay } from '../spec/interleaving/checker/replay-string.js';
import { type CoveredRun, planOf, shortfallOf, THOROUGH_RUNS } from '../spec/interleaving/covered-runs.js';
import { PLANTED_BUGS, planFor } from '../spec/interleaving/planted-bugs.js';
import { SCENARIOS } from '../spec/interleaving/scenarios/catalogue.js';
import { integer } from './integer.js';
import { exitCodeAfter, interruptible } from './interruption.js';
import { ProgressBar } from './progress-bar.js';
import { reportFile, writeReport } from './report-file.js';
import { runProgram } from './run-program.js';

const LOG2_STATES = 21;

interface CheckOptions {
  readonly only?: readonly string[];
  readonly model?: MemoryModel;
  readonly sabotage?: string;
  readonly replay?: Plan;
  readonly strategy?: 'random' | 'pct';
  readonly seed?: number;
  readonly depth: number;
  readonly schedules: number;
  readonly json?: string;
}

let running: { readonly bar: ProgressBar; readonly title: string; readonly schedules: number } | undefined;

function interrupt(this: AbortSignal): void {
  running?.bar.stop();
  console.log(
    `INTERRUPTED${running === undefined ? '' : ` in ${running.title}, after ${running.schedules} schedules`}`,
  );
  process.exit(process.exitCode ?? exitCodeAfter(this));
}

async function check(options: CheckOptions): Promise<void> {
  interruptible().addEventListener('abort', interrupt);
  const crew = new Crew(LOG2_STATES);
  try {
    if (options.replay !== undefined) await replay(crew, options.replay);
    else if (options.strategy !== undefined) await sample(crew, options.strategy, options);
    else if (options.sabotage !== undefined) await plant(crew, planFor(options.sabotage));
    else for (const run of runsOf(options)) await cover(crew, run);
  } finally {
    await crew.dismiss();
  }
}

function runsOf({ only, model }: CheckOptions): CoveredRun[] {
  const runs = THOROUGH_RUNS.filter(
    (run) => (only === undefined || only.includes(run.scenario)) && (model === undefined || model === run.model),
  );
  if (runs.length === 0)
    throw new InvalidArgumentError(`${only?.join(', ')}: not explored in the memory model ${model}.`);
  return runs;
}

/** Schedules that a seed chooses, of one scenario: for campaigns, which have a seed for each run. */
async function sample(crew: Crew, kind: 'random' | 'pct', options: CheckOptions): Promise<void> {
  const { only = [], model, sabotage, depth, schedules: maxSchedules, json } = options;
  const [scenario] = only;
  if (scenario === undefined || only.length > 1 || model === undefined) {
    throw new InvalidArgumentError('--strategy needs one scenario (--only) and one memory model (--model).');
  }
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  const strategy = kind === 'pct' ? { kind, seed, depth } : { kind, seed };
  const plan: Plan = { scenario, model, strategy, maxSchedules, ...(sabotage === undefined ? {} : { sabotage }) };
  const how = kind === 'pct' ? `priorities that change ${depth - 1} times` : 'random';
  const { failure, schedule, ...counts } = await explore(crew, plan, `${scenario}, ${model}, ${how}`, maxSchedules);
  if (failure === undefined) console.log(`PASS: no schedule failed (seed ${seed})`);
  if (json === undefined) return;
  const found = failure === undefined ? {} : { failure, repeat: repeatOf(plan, schedule) };
  const { allSchedules, seconds } = counts;
  const verdict = failure === undefined ? 'pass' : 'fail';
  writeReport(json, `${JSON.stringify({ verdict, seed, schedules: allSchedules, seconds, ...found }, null, 2)}\n`);
}

function repeatOf(plan: Plan, schedule = ''): string {
  return `npm run check:interleavings -- --replay ${formatReplay(plan, schedule)}`;
}

async function cover(crew: Crew, run: CoveredRun): Promise<void> {
  const plan = planOf(run);
  const bound = run.preemptions === undefined ? '' : `, at most ${run.preemptions} preemptions`;
  const title = `${run.scenario}, ${run.model}${bound}`;
  const found = await explore(crew, plan, title, run.schedules);
  const shortfall = found.failure === undefined ? shortfallOf(run, found) : undefined;
  if (shortfall !== undefined) {
    console.log(`FAIL: ${title}: ${shortfall}`);
    process.exitCode = 1;
  }
}

async function plant(crew: Crew, plan: Plan): Promise<void> {
  const found = await explore(
    crew,
    plan,
    `${plan.scenario}, ${plan.model}, sabotaged: ${plan.sabotage}`,
    plan.maxSchedules,
  );
  if (found.failure === undefined)
    console.log(`PASS: the planted bug was not found in ${found.allSchedules} schedules`);
}

async function replay(crew: Crew, plan: Plan): Promise<void> {
  const { trace, failure } = await crew.explore(plan).catch((error: Error) => {
    if (error instanceof RangeError) throw new InvalidArgumentError(error.message);
    throw error;
  });
  for (const line of trace) console.log(line);
  console.log(failure === undefined ? 'PASS: the schedule ends without a failure' : `FAIL: ${failure}`);
  if (failure !== undefined) process.exitCode = 1;
}

async function explore(crew: Crew, plan: Plan, title: string, expected: number): Promise<Exploration> {
  const bar = new ProgressBar({
    format: `{bar} ${title}: {schedules} schedules, {states} states`,
    barsize: 16,
    clearOnComplete: true,
    noTTYOutput: false,
  });
  running = { bar, title, schedules: 0 };
  bar.start(expected, 0, { schedules: 0, states: 0 });
  const found = await crew.explore(plan, ({ allSchedules, states }) => {
    running = { bar, title, schedules: allSchedules };
    bar.update(Math.min(allSchedules, expected), { schedules: allSchedules, states });
  });
  bar.stop();
  const { allSchedules, schedules, states, exhausted, outcomes, seconds, failure, schedule } = found;
  const rate = Math.round(allSchedules / seconds);
  // Of a search that came to its end, those that its bound counts: without the ones that found out what is shared.
  const counts = `${exhausted ? schedules : allSchedules} schedules, ${states} states, ${outcomes.length} outcomes`;
  console.log(`${title}: ${counts}${exhausted ? ', exhausted' : ''} (${seconds.toFixed(1)} s, ${rate}/s)`);
  if (failure !== undefined) {
    console.log(`FAIL: ${failure}`);
    console.log(`repeat: ${repeatOf(plan, schedule)}`);
    process.exitCode = 1;
  }
  return found;
}

function scenarioName(name: string, before: readonly string[] = []): string[] {
  if (!Object.hasOwn(SCENARIOS, name))
    throw new InvalidArgumentError(`It must be one of ${Object.keys(SCENARIOS).join(', ')}.`);
  return [...before, name];
}

function sabotageName(name: string): string {
  if (Object.hasOwn(PLANTED_BUGS, name)) return name;
  throw new InvalidArgumentError(`It must be one of ${Object.keys(PLANTED_BUGS).join(', ')}.`);
}

function replayed(text: string): Plan {
  try {
    return parseReplay(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

const program = new Command('check:interleavings')
  .description(
    'explore every interleaving of small scenarios that run the shipped modules; in large scenarios, every ' +
      'interleaving with few preemptions',
  )
  .addOption(new Option('--only <scenario...>', 'explore only these scenarios').argParser(scenarioName))
  .addOption(
    new Option('--model <model>', 'explore only this memory model: sequential consistency or x86-TSO').choices([
      'sc',
      'tso',
    ]),
  )
  .addOption(new Option('--sabotage <name>', 'plant this bug and search for it').argParser(sabotageName))
  .addOption(
    new Option('--replay <string>', 'replay the schedule of a failure and print each access').argParser(replayed),
  )
  .addOption(
    new Option(
      '--strategy <name>',
      'explore only schedules that a seed chooses: random steps, or random priorities (pct)',
    )
      .choices(['random', 'pct'])
      .conflicts('replay'),
  )
  .addOption(
    new Option('--seed <n>', 'with --strategy: repeat its choices (default: random)').argParser(
      integer(0, 2 ** 32 - 1),
    ),
  )
  .addOption(
    new Option('--depth <n>', 'with --strategy pct: priorities change n - 1 times')
      .argParser(integer(1, 20))
      .default(3),
  )
  .addOption(
    new Option('--schedules <n>', 'with --strategy: how many schedules').argParser(integer(1, 1e9)).default(10_000),
  )
  .addOption(new Option('--json <file>', 'with --strategy: write the report to a file').argParser(reportFile))
  .addHelpText(
    'after',
    '\nExit status: 0 pass, 1 failure or lost coverage, 2 usage error, 130 interrupted by Ctrl-C, 143 by SIGTERM.',
  )
  .exitOverride()
  .action(check);

await runProgram(program);
