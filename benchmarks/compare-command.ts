/** `dirtymem bench compare`: compares two results of `npm run bench`, which exists only in a checkout. */
import Table from 'cli-table3';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Result } from './harness/result.js';
import { type Change, changesBetween } from './output/changes.js';
import { show } from './output/numbers.js';
import { readBenchResult } from './output/result-file.js';

export function addBenchCommand(program: Command): void {
  const bench = program.command('bench').description('compare the results of two runs of npm run bench');
  addCompareCommand(bench);
}

export function addCompareCommand(bench: Command): void {
  bench
    .command('compare')
    .description(
      'show which figures changed by more than noise between two --json files; exit status 1 when a figure got slower',
    )
    .argument('<before>', 'a file that npm run bench -- --json wrote', readResult)
    .argument('<after>', 'a later file of the same kind', readResult)
    .addOption(
      new Option('--factor <f>', 'fail when a figure is slower by this factor or more').argParser(factor).default(1.1),
    )
    .action(compare);
}

function compare(before: Result, after: Result, { factor }: { factor: number }): void {
  const { slower, faster, alike, undecided, missing, warnings } = changesBetween(before, after);
  for (const warning of warnings) console.log(`warning: ${warning}`);
  if (slower.length + faster.length > 0) console.log(tableOf([...slower, ...faster]));
  for (const name of missing) console.log(`only in one of the two files: ${name}`);
  const failed = slower.filter((change) => change.slower >= factor).length;
  console.log(
    `${slower.length} slower beyond noise, ${failed} of them by a factor of ${factor} or more; ${faster.length} faster; ` +
      `${alike} within noise; ${undecided} undecided, because they were disturbed or had too few rounds`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}

function tableOf(changes: readonly Change[]): string {
  const table = new Table({
    head: ['', 'before', 'after', ''],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'left'],
  });
  for (const { question, what, unit, before, after, slower } of changes) {
    const verdict = slower > 1 ? `${show(slower)} x slower` : `${show(1 / slower)} x faster`;
    table.push([`${question}: ${what}`, `${show(before)} ${unit}`, `${show(after)} ${unit}`, verdict]);
  }
  return table.toString();
}

function readResult(file: string): Result {
  try {
    return readBenchResult(file);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function factor(text: string): number {
  const value = Number(text);
  if (!(value >= 1 && value <= 1000)) throw new InvalidArgumentError('It must be from 1 to 1000.');
  return value;
}
