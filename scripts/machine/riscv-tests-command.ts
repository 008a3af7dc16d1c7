/** `machine riscv-tests`: the official tests of the instruction set, from a folder that the user has built. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { HART_TRACKINGS, type Tracking } from '../../spec/machine/hart-module.js';
import { runTest, whyUnsupported } from '../../spec/machine/riscv-tests.js';
import { integer } from '../integer.js';
import { exitCodeAfter, interruptible } from '../interruption.js';

interface RiscvTestsOptions {
  readonly tracking: Tracking;
  readonly limit: number;
}

export function addRiscvTestsCommand(program: Command): void {
  program
    .command('riscv-tests')
    .description('run the built official riscv-tests of a folder, and print what failed and what is not supported')
    .argument('<folder>', 'where the programs are, such as rv64ui-p-add', programsIn)
    .addOption(new Option('--tracking <way>', 'how stores are tracked').choices(HART_TRACKINGS).default('write-tlb'))
    .addOption(new Option('--limit <seconds>', 'time limit of a test').argParser(integer(1, 3600)).default(20))
    .addHelpText('after', '\nExit status: 0 all supported tests passed, 1 some failed, 2 usage error.')
    .action(runTests);
}

interface Program {
  readonly name: string;
  readonly path: string;
}

function programsIn(folder: string): Program[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  const programs = names.filter((name) => /^rv(32|64)\w+-[pv]m?-[\w-]+$/.test(name)).sort();
  if (programs.length === 0) throw new InvalidArgumentError(`${folder} has no programs such as rv64ui-p-add.`);
  return programs.map((name) => ({ name, path: join(folder, name) }));
}

async function runTests(programs: Program[], { tracking, limit }: RiscvTestsOptions): Promise<void> {
  const interruption = interruptible();
  let passed = 0;
  const failed: string[] = [];
  const unsupported: string[] = [];
  for (const { name, path } of programs) {
    if (interruption.aborted) break;
    const reason = whyUnsupported(name);
    if (reason !== undefined) {
      unsupported.push(`${name}: ${reason}`);
      continue;
    }
    const why = await whyFailed(path, tracking, limit);
    if (why === undefined) passed++;
    else {
      failed.push(name);
      console.log(`failed: ${name}: ${why}`);
    }
  }
  for (const line of unsupported) console.log(`not supported: ${line}`);
  console.log(`${passed} passed, ${failed.length} failed, ${unsupported.length} not supported`);
  if (interruption.aborted) process.exitCode = exitCodeAfter(interruption);
  else if (failed.length > 0 || passed === 0) process.exitCode = 1;
}

/** @returns undefined when the test has passed */
async function whyFailed(path: string, tracking: Tracking, limit: number): Promise<string | undefined> {
  try {
    const { passed, why } = await runTest(readFileSync(path), tracking, limit * 1000);
    return passed ? undefined : why;
  } catch (error) {
    return (error as Error).message;
  }
}
