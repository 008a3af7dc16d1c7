/**
 * `npm run ci:nodes`: runs the specs under each supported version of Node, and prints the results. Arguments after `--`
 * are passed to mocha. Exit status: 1 when a spec fails, or when some version of Node ran no spec.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeTemporaryFolder, removeTemporaryFolder } from '../lib/stress/temporary-folder.js';
import { endWithoutReaders } from './interruption.js';
import { installNode, NODE_VERSIONS } from './node-versions.js';

interface MochaReport {
  readonly stats: { readonly passes: number; readonly failures: number; readonly pending: number };
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[];
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MOCHA = join(ROOT, 'node_modules/mocha/bin/mocha.js');
const LIMIT_MS = 20 * 60_000;

/** @returns undefined when mocha ended without a report */
function runSpecs(binary: string, env: NodeJS.ProcessEnv, args: readonly string[]): MochaReport | undefined {
  const folder = makeTemporaryFolder('nodes');
  const file = join(folder, 'report.json');
  try {
    spawnSync(
      binary,
      [MOCHA, 'spec/**/*.spec.ts', '--reporter', 'json', '--reporter-option', `output=${file}`, ...args],
      {
        cwd: ROOT,
        env,
        stdio: ['ignore', 'ignore', 'inherit'],
        timeout: LIMIT_MS,
      },
    );
    return JSON.parse(readFileSync(file, 'utf8')) as MochaReport;
  } catch (error) {
    console.log(`  no report: ${(error as Error).message}`);
    return undefined;
  } finally {
    removeTemporaryFolder(folder);
  }
}

endWithoutReaders();
const lines: string[] = [];
for (const wanted of NODE_VERSIONS) {
  const { version, binary, env } = installNode(wanted);
  console.log(`Node ${version}`);
  const began = performance.now();
  const report = runSpecs(binary, env, process.argv.slice(2));
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  for (const { fullTitle, err } of report?.failures ?? []) {
    console.log(`  failed: ${fullTitle}\n    ${err.message?.split('\n')[0]}`);
  }
  const { passes, failures, pending } = report?.stats ?? { passes: 0, failures: 0, pending: 0 };
  if (failures > 0 || passes === 0) process.exitCode = 1;
  lines.push(`Node ${version}: ${passes} passed, ${failures} failed, ${pending} pending, ${seconds} s`);
  console.log(`  ${lines.at(-1)}`);
}
console.log(`\n${lines.join('\n')}`);
