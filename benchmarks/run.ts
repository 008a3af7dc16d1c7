/**
 * `npm run bench`: asks the questions in questions/ one after another and prints the figures, their targets, and
 * whether the targets were reached. Exit status: 0 even if targets were missed, because a time depends on the machine
 * and its load; 1 when a question got no answer; 2 for a usage error; 130 when interrupted by Ctrl-C (143 by SIGTERM),
 * with the answers so far.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { exitCodeAfter, interruptible } from '../scripts/interruption.js';
import { reportFile, writeReport } from '../scripts/report-file.js';
import { runProgram } from '../scripts/run-program.js';
import { addCompareCommand } from './compare-command.js';
import { PATTERN_NAMES, type Pattern } from './contention/patterns.js';
import { answerTo } from './harness/answer.js';
import { watchNeighbours } from './harness/neighbours.js';
import { defaultPlan, type Plan } from './harness/plan.js';
import type { Question } from './harness/question.js';
import { expectedSeconds, loadQuestions, QUESTION_NAMES } from './harness/questions.js';
import { type Answered, describeHost, type Result, thisHost } from './harness/result.js';
import { pageOf } from './output/page.js';
import { Progress } from './output/progress.js';
import { answerTables, summaryOf } from './output/terminal.js';

interface BenchOptions {
  readonly only?: readonly string[];
  readonly rounds?: number;
  readonly quick?: boolean;
  readonly threads?: readonly number[];
  readonly pattern?: readonly Pattern[];
  readonly skew: number;
  readonly harvestHz: number;
  readonly hotplugHz: number;
  readonly minutes: number;
  readonly json?: string;
  readonly html?: string;
}

const { skew, harvestHz, hotplugHz } = defaultPlan();

const program = new Command('bench')
  .description('measure what dirtymem costs; each thing and what it is compared with are measured in turn, in one run')
  .addOption(new Option('--only <names...>', 'ask only these questions').choices(QUESTION_NAMES))
  .addOption(new Option('--rounds <n>', 'rounds of each comparison (default: 11, with --quick 3)').argParser(count))
  .option('--quick', 'finish within a minute: fewer questions, and fewer and shorter samples')
  .addOption(
    new Option(
      '--threads <n...>',
      'numbers of vCPU threads of the contention sweeps (default: 1, 2, 4 ... twice the cores)',
    ).argParser((text: string, before: readonly number[] = []) => [...before, count(text)]),
  )
  .addOption(
    new Option(
      '--pattern <names...>',
      'patterns of the contention sweeps (default: all; only own-block while an owner works)',
    ).choices(PATTERN_NAMES),
  )
  .addOption(new Option('--skew <s>', 'exponent of the pattern zipf').argParser(positive).default(skew))
  .addOption(
    new Option('--harvest-hz <n>', 'collections per second while vCPUs mark').argParser(positive).default(harvestHz),
  )
  .addOption(
    new Option('--hotplug-hz <n>', 'cycles of plug and unplug per second while vCPUs mark')
      .argParser(positive)
      .default(hotplugHz),
  )
  .addOption(
    new Option('--minutes <n>', 'repeat questions that other processes disturbed, until this long after the start')
      .argParser(positive)
      .default(9),
  )
  .addOption(new Option('--json <file>', 'write the figures to a file').argParser(reportFile))
  .addOption(new Option('--html <file>', 'write a page with charts to a file').argParser(reportFile))
  .exitOverride()
  .action(run);
addCompareCommand(program);
await runProgram(program);

async function run(options: BenchOptions): Promise<void> {
  if (options.json !== undefined && options.json === options.html) {
    throw new InvalidArgumentError("options '--json <file>' and '--html <file>' must name different files");
  }
  const interruption = interruptible();
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 3 : 11);
  const plan: Plan = {
    quick,
    threads: [...new Set(options.threads ?? defaultPlan().threads)].sort((a, b) => a - b),
    ...(options.pattern && { patterns: [...new Set(options.pattern)] }),
    skew: options.skew,
    harvestHz: options.harvestHz,
    hotplugHz: options.hotplugHz,
  };
  const asked = [...(await loadQuestions(options.only ?? QUESTION_NAMES))];
  const questions = new Map(
    quick && options.only === undefined ? asked.filter(([, question]) => question.quick === true) : asked,
  );
  const host = thisHost();
  const began = performance.now();
  const secondsSinceStart = (): number => (performance.now() - began) / 1000;
  console.log(`${describeHost(host)}; ${rounds} rounds: median and quartiles over the rounds; best round`);
  const answers = await askAll(questions, rounds, plan, interruption);
  if (!quick)
    await askAgain(questions, answers, rounds, plan, interruption, () => options.minutes * 60 - secondsSinceStart());
  if (quick && options.only === undefined) {
    console.log(`\nnot asked in a quick run: ${QUESTION_NAMES.filter((name) => !questions.has(name)).join(', ')}`);
  }
  console.log(`\n${summaryOf(answers)}`);
  if (interruption.aborted) console.log(`INTERRUPTED: ${answers.length} of ${questions.size} questions have an answer`);
  const result: Result = {
    ...host,
    date: new Date().toISOString(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    seconds: secondsSinceStart(),
    rounds,
    plan,
    answers,
    interrupted: interruption.aborted,
  };
  if (interruption.aborted) process.exitCode = exitCodeAfter(interruption);
  if (options.json !== undefined) writeReport(options.json, `${JSON.stringify(result, null, 2)}\n`);
  if (options.html !== undefined) writeReport(options.html, pageOf(result));
}

async function askAll(
  questions: ReadonlyMap<string, Question>,
  rounds: number,
  plan: Plan,
  interruption: AbortSignal,
): Promise<Answered[]> {
  const answers: Answered[] = [];
  const progress = new Progress(questions.values(), rounds);
  for (const [name, question] of questions) {
    if (interruption.aborted) break;
    progress.begin(name, question);
    const began = performance.now();
    const answer = await ask(name, rounds, plan, interruption);
    progress.end(question, (performance.now() - began) / 1000);
    if (answer === undefined) continue;
    answers.push(answer);
    print(answer, rounds, plan);
  }
  return answers;
}

/** Asks each disturbed question once more, and keeps the less disturbed answer in `answers`. */
async function askAgain(
  questions: ReadonlyMap<string, Question>,
  answers: Answered[],
  rounds: number,
  plan: Plan,
  interruption: AbortSignal,
  secondsLeft: () => number,
): Promise<void> {
  const disturbed = answers.filter(({ neighbours }) => neighbours?.disturbed);
  for (const first of disturbed) {
    if (interruption.aborted) break;
    if (Math.max(first.seconds, expectedSeconds(questions.get(first.name) as Question, rounds)) > secondsLeft())
      continue;
    console.log(`\n${first.name} again, because ${disturbanceOf(first)}`);
    const again = await ask(first.name, rounds, plan, interruption);
    if (again === undefined) continue;
    const isBetter = (again.neighbours?.others ?? 0) < (first.neighbours?.others ?? 0);
    answers[answers.indexOf(first)] = { ...(isBetter ? again : first), tries: first.tries + 1 };
    if (isBetter) print(again, rounds, plan);
    else console.log('the second answer is not better; the first one is kept');
  }
}

/** @returns undefined when the question got no answer; the run goes on, because the other answers are still useful */
async function ask(name: string, rounds: number, plan: Plan, interruption: AbortSignal): Promise<Answered | undefined> {
  const endOf = watchNeighbours();
  try {
    const answer = await answerTo(name, rounds, plan, interruption);
    const neighbours = endOf();
    return { name, ...answer, tries: 1, ...(neighbours && { neighbours }) };
  } catch (error) {
    if (interruption.aborted) return undefined;
    console.error(`\n${(error as Error).message}`);
    process.exitCode = 1;
    return undefined;
  }
}

function print(answer: Answered, rounds: number, { quick }: Plan): void {
  const repeat = `npm run bench -- --only ${answer.name} --rounds ${rounds}${quick ? ' --quick' : ''}`;
  const disturbed = answer.neighbours?.disturbed ? `; DISTURBED: ${disturbanceOf(answer)}` : '';
  console.log(`\n${answer.title} (${answer.seconds.toFixed(1)} s; repeat: ${repeat})${disturbed}`);
  console.log(answerTables(answer));
}

function disturbanceOf({ neighbours }: Answered): string {
  const { others = 0, steal = 0 } = neighbours ?? {};
  return `other processes used ${others.toFixed(1)} cores${steal > 0.005 ? `, the host took ${steal.toFixed(2)}` : ''}`;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1000)
    throw new InvalidArgumentError('It must be from 1 to 1000.');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1e6)) throw new InvalidArgumentError('It must be above 0, up to a million.');
  return value;
}
