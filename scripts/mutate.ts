/** `npm run mutate`: mutation testing; changes one place of the engine's sources at a time and runs the specs. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { Claim } from '../lib/stress/campaign/claim.js';
import { integer } from './integer.js';
import { exitCodeAfter, interruptible } from './interruption.js';
import { type Explanation, explains, readExplanations } from './mutate/explained.js';
import { mutantsOf } from './mutate/mutants.js';
import { MutationRun, type Task, UnmutatedFailure } from './mutate/mutation-run.js';
import { type Judged, reportOf, textOf } from './mutate/report.js';
import { Results } from './mutate/results.js';
import { sampleOf } from './mutate/sample.js';
import { SUITES, sourcesOf } from './mutate/suites.js';
import { ProgressBar } from './progress-bar.js';
import { reportFile, writeReport } from './report-file.js';
import { runProgram } from './run-program.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, '.cache', 'mutate');
const EXPLAINED = fileURLToPath(new URL('mutate/explained', import.meta.url));

interface MutateOptions {
  readonly only?: readonly string[];
  readonly mutant?: string;
  readonly sample?: number;
  readonly seed: number;
  readonly jobs: number;
  readonly limit?: number;
  readonly folder: string;
  readonly json?: string;
}

const sources = sourcesOf(ROOT, SUITES);

async function mutate(options: MutateOptions, command: Command): Promise<void> {
  const explanations = readExplanations(EXPLAINED);
  const all = [...sources].flatMap(([file, suite]) =>
    mutantsOf(file, readFileSync(join(ROOT, file), 'utf8')).map((mutant): Task => ({ mutant, suite })),
  );
  const chosen = choose(all, options);
  // `--mutant` runs its mutant even when an explanation exists.
  const explanationOf = ({ mutant }: Task): Explanation | undefined =>
    options.mutant === undefined ? explanations.find((explanation) => explains(explanation, mutant)) : undefined;

  const path = join(options.folder, 'results.jsonl');
  const claim = claimResults(path, command);
  try {
    const results = new Results(ROOT, path);
    const interruption = interruptible();
    const { run, judged } = prepare(chosen, explanationOf, results, options, interruption);
    const failure = await run().catch((error: unknown) => {
      if (error instanceof UnmutatedFailure) return error;
      throw error;
    });
    const report = reportOf(judged());
    console.log(textOf(report));
    for (const { file, scope, before, after } of explanations) {
      const isThere = all.some(({ mutant }) => explains({ file, scope, before, after, reason: '' }, mutant));
      if (!isThere) console.log(`this explanation fits no mutant: ${file} ${scope}\n  - ${before}\n  + ${after}`);
    }
    if (failure instanceof UnmutatedFailure) console.error(`FAIL: ${failure.message}`);
    const failed = failure instanceof UnmutatedFailure || report.survivors.length > 0;
    process.exitCode = failed ? 1 : interruption.aborted ? exitCodeAfter(interruption) : 0;
    if (options.json !== undefined) {
      const whole = {
        verdict: failed ? 'fail' : 'pass',
        interrupted: interruption.aborted,
        failure: failure?.message,
        ...report,
      };
      writeReport(options.json, `${JSON.stringify(whole, null, 2)}\n`);
    }
  } finally {
    claim.release();
  }
}

function prepare(
  chosen: readonly Task[],
  explanationOf: (task: Task) => Explanation | undefined,
  results: Results,
  { jobs, limit, folder }: MutateOptions,
  stop: AbortSignal,
): { run: () => Promise<void>; judged: () => Judged[] } {
  const tasks = chosen.filter((task) => explanationOf(task) === undefined);
  const bar = new ProgressBar({
    format: '{bar} {value} of {total} mutants | {survived} survived | {duration_formatted}',
    barsize: 24,
    noTTYOutput: true,
    notTTYSchedule: 60_000,
  });
  let survived = 0;
  const runner = new MutationRun({
    root: ROOT,
    folder,
    results,
    jobs,
    limitSeconds: limit,
    stop,
    onResult: (_, { verdict }) => {
      if (verdict === 'survived') survived++;
      bar.increment({ survived });
    },
  });
  return {
    run: async () => {
      const known = tasks.map((task) => runner.resultOf(task)).filter((result) => result !== undefined);
      survived = known.filter(({ verdict }) => verdict === 'survived').length;
      bar.start(tasks.length, known.length, { survived });
      await runner.run(tasks).finally(() => bar.stop());
    },
    judged: () =>
      chosen.map((task) => ({
        mutant: task.mutant,
        result: runner.resultOf(task),
        explanation: explanationOf(task),
      })),
  };
}

function choose(all: readonly Task[], { only, mutant: id, sample, seed }: MutateOptions): Task[] {
  const chosen = all.filter(({ mutant }) => only === undefined || only.includes(mutant.file));
  if (id !== undefined) {
    const one = chosen.filter(({ mutant }) => mutant.id === id);
    if (one.length === 0)
      throw new InvalidArgumentError(`there is no mutant ${id}; an id changes when its lines change.`);
    return one;
  }
  return sample === undefined ? chosen : sampleOf(chosen, sample, seed);
}

/** Two runs would write over each other's sandboxes and results. */
function claimResults(path: string, command: Command): Claim {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return new Claim(path);
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`);
  }
}

function sourceFile(file: string, before: readonly string[] = []): string[] {
  if (sources.has(file)) return [...before, file];
  throw new InvalidArgumentError(`It must be a file of ${SUITES.map((suite) => suite.sources).join(', ')}.`);
}

const program = new Command('mutate')
  .description(
    'mutation testing: change one place of the engine at a time and see whether a spec fails; ' +
      'a mutant whose result is known is not run again',
  )
  .addOption(new Option('--only <file...>', 'run only mutants of these source files').argParser(sourceFile))
  .addOption(new Option('--mutant <id>', 'run only this mutant, even if it is explained'))
  .addOption(new Option('--sample <n>', 'run n random mutants').argParser(integer(1, 1_000_000)).conflicts('mutant'))
  .addOption(new Option('--seed <n>', 'seed of the sample').argParser(integer(0, 2 ** 32 - 1)).default(1))
  .addOption(new Option('--jobs <n>', 'mutants that run at once').argParser(integer(1, 64)).default(1))
  .addOption(
    new Option(
      '--limit <seconds>',
      'time limit of the specs that run together (default: 4 times what they take without a mutant, at least 10)',
    ).argParser(integer(1, 86_400)),
  )
  .addOption(new Option('--folder <path>', 'where to keep sandboxes and results').default(FOLDER, '.cache/mutate'))
  .addOption(new Option('--json <file>', 'write the report to a file').argParser(reportFile))
  .addHelpText(
    'after',
    '\nExit status: 0 every mutant is killed or explained, 1 some survived or the specs fail without a mutant, ' +
      '2 usage error, 130 interrupted by Ctrl-C, 143 by SIGTERM.',
  )
  .exitOverride()
  .action(mutate);

await runProgram(program);
