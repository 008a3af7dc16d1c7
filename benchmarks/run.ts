/**
 * `npm run bench`: asks the questions of questions/ one after another and prints figures, targets and whether they are
 * reached. Exit status 0 whether they are or not: a time is a fact about the machine of the moment.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import Table from 'cli-table3';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Answer, answerTo } from './answer.js';
import { type Figure, isReached } from './figure.js';
import { defaultPlan } from './plan.js';
import { QUESTIONS, type QuestionName } from './question.js';

interface BenchOptions {
  readonly only?: readonly QuestionName[];
  readonly rounds: number;
  readonly json?: string;
}

await new Command('bench')
  .description('what dirtymem costs, each thing next to what it is compared with, measured in turn in one run')
  .addOption(new Option('--only <names...>', 'ask these questions alone').choices(QUESTIONS))
  .addOption(new Option('--rounds <n>', 'rounds of each comparison').argParser(count).default(11))
  .option('--json <file>', 'write the figures to a file')
  .action(run)
  .parseAsync();

async function run({ only, rounds, json }: BenchOptions): Promise<void> {
  const machine = {
    node: process.version,
    arch: process.arch,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    loadAverage: loadavg()[0] ?? 0,
  };
  console.log(
    `Node ${machine.node}, ${machine.arch}, ${machine.cores} x ${machine.cpu}, load ${machine.loadAverage.toFixed(1)}; ` +
      `${rounds} rounds: median and quartiles over the rounds; best round`,
  );
  const answers: (Answer & { readonly name: string })[] = [];
  for (const name of only ?? QUESTIONS) {
    const answer = await answerTo(name, rounds, defaultPlan());
    answers.push({ name, ...answer });
    console.log(`\n${answer.title} (${answer.seconds.toFixed(1)} s; repeat: ${repeatCommand(name, rounds)})`);
    console.log(tableOf(answer.figures));
  }
  console.log(`\n${summaryOf(answers.flatMap(({ figures }) => figures))}`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ ...machine, rounds, answers }, null, 2)}\n`);
}

function repeatCommand(name: string, rounds: number): string {
  return `npm run bench -- --only ${name} --rounds ${rounds}`;
}

function tableOf(figures: readonly Figure[]): string {
  const table = new Table({
    head: ['', 'median', 'quartiles', 'best', 'target', ''],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'left'],
  });
  for (const one of figures) {
    const { what, unit, median, low, high, best, target } = one;
    table.push([
      what,
      `${show(median)} ${unit}`,
      low === high ? '' : `${show(low)} .. ${show(high)}`,
      best === null ? '' : show(best),
      target === null ? '' : `${target.kind} ${show(target.value)} ${unit}`,
      target === null ? '' : isReached(one, target) ? 'reached' : 'NOT REACHED',
    ]);
  }
  return table.toString();
}

function summaryOf(figures: readonly Figure[]): string {
  const missed = figures.filter((one) => one.target !== null && !isReached(one, one.target));
  const targets = figures.filter(({ target }) => target !== null).length;
  const list = missed.map(({ what, median, unit }) => `\n  not reached: ${what}: ${show(median)} ${unit}`);
  return `${targets - missed.length} of ${targets} targets reached${list.join('')}`;
}

/** Three digits that count, or the whole number. */
function show(value: number): string {
  const digits = Math.abs(value) >= 100 || value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = Number(value.toFixed(digits));
  return rounded.toLocaleString('en-US', { maximumFractionDigits: digits });
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1000)
    throw new InvalidArgumentError('It must be from 1 to 1000.');
  return value;
}
