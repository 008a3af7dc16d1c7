/**
 * `npm run check:runtimes [-- RUNTIME ...] [--short]`: the engine in other runtimes than the one at hand: each supported
 * version of Node, Bun, Deno, and Node on emulated processors. In each: a program that retires its readers by hand, and
 * the same with stores that are not marked, which must be seen; the stress test; and the specs, without those that it is
 * known to lack. Results are printed. Exit status: 1 when something fails, a known lack has gone, or a runtime that
 * was named cannot be had here; without names, one that cannot be had is told and left out.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeTemporaryFolder, removeTemporaryFolder } from '../lib/stress/temporary-folder.js';
import { endWithoutReaders } from './interruption.js';
import { bun } from './runtimes/bun.js';
import { deno } from './runtimes/deno.js';
import { arm64, s390x } from './runtimes/emulated.js';
import { nodes } from './runtimes/nodes.js';
import type { Installation, Runtime } from './runtimes/runtime.js';

interface Test {
  readonly fullTitle: string;
  readonly err: { readonly message?: string };
}

interface MochaReport {
  readonly stats: { readonly passes: number; readonly failures: number; readonly pending: number };
  readonly failures: readonly Test[];
  readonly passes: readonly Test[];
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Runs the specs in the process that it is started in, which `bin/mocha.js` does not where Node has options. */
const MOCHA = 'node_modules/mocha/lib/cli/cli.js';
const BY_HAND = 'scripts/runtimes/by-hand.mjs';
const LIMIT_MS = 25 * 60_000;
const RUNTIMES: readonly Runtime[] = [...nodes, bun, deno, arm64, s390x];

function start({ command, env }: Installation, args: readonly string[]): SpawnSyncReturns<string> {
  const [file, ...before] = command;
  return spawnSync(file, [...before, ...args], { cwd: ROOT, env, encoding: 'utf8', timeout: LIMIT_MS });
}

function lastLines({ stdout, stderr, error }: SpawnSyncReturns<string>): string {
  return [...`${stdout}\n${stderr}\n${error?.message ?? ''}`.trim().split('\n')].slice(-6).join('\n    ');
}

/** Prints what became of a check. */
function tell(what: string, fault: string | undefined, note = ''): void {
  console.log(fault === undefined ? `  ok      ${what}${note && `: ${note}`}` : `  FAILED  ${what}: ${fault}`);
  if (fault !== undefined) process.exitCode = 1;
}

function checkByHand(installed: Installation): void {
  const right = start(installed, [BY_HAND]);
  tell('readers retired by hand', right.status === 0 ? undefined : lastLines(right), right.stdout.trim());
  const broken = start(installed, [BY_HAND, 'broken']);
  const seen = broken.status === 1 && /"differing":[1-9]/.test(broken.stdout);
  tell('stores that are not marked are seen', seen ? undefined : lastLines(broken));
}

function checkStress(installed: Installation, { stress, slow = false }: Runtime): void {
  const refused = 'refused' in stress ? stress.refused : undefined;
  const args = 'refused' in stress ? ['--seconds', '1'] : stress;
  const run = start(installed, ['dist/scripts/dirtymem.js', 'stress', '--quiet', ...args]);
  if (refused === undefined) {
    const vacuous = /^FAIL: vacuous .*/m.exec(run.stdout)?.[0];
    if (slow && vacuous !== undefined)
      console.log(`  VACUOUS stress test: nothing found, and too little done (${vacuous})`);
    else tell('stress test', run.status === 0 ? undefined : lastLines(run), run.stdout.trim().split('\n').at(-1));
  } else {
    const told = run.status !== 0 && refused.test(run.stdout + run.stderr);
    tell('stress test is refused', told ? undefined : lastLines(run));
  }
}

function checkSpecs(installed: Installation, { specs, lacks }: Runtime, short: boolean): void {
  const folder = makeTemporaryFolder('runtimes');
  const file = join(folder, 'report.json');
  const run = start(installed, [
    ...installed.forSpecs,
    MOCHA,
    ...specs,
    ...lacks.flatMap(({ file: ignored }) => (ignored === undefined ? [] : ['--ignore', ignored])),
    ...['--no-config', '--extension', 'ts', '--timeout', '600000', '--exit'],
    ...(short ? ['--fgrep', '@long', '--invert'] : []),
    ...['--reporter', 'json', '--reporter-option', `output=${file}`],
  ]);
  let report: MochaReport;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as MochaReport;
  } catch {
    tell('specs', `no report\n    ${lastLines(run)}`);
    return;
  } finally {
    removeTemporaryFolder(folder);
  }
  const known = ({ fullTitle }: Test): boolean => lacks.some(({ title }) => title && fullTitle.startsWith(title));
  const failed = report.failures.filter((test) => !known(test));
  const gone = report.passes.filter(known);
  for (const { fullTitle, err } of failed) console.log(`    ${fullTitle}\n      ${err.message?.split('\n')[0]}`);
  for (const { fullTitle } of gone) console.log(`    is no lack any more: ${fullTitle}`);
  const { passes, failures, pending } = report.stats;
  const counts = `${passes} passed, ${failures - failed.length} known to fail, ${failed.length} failed, ${pending} skipped`;
  tell('specs', passes === 0 || failed.length + gone.length > 0 ? counts : undefined, counts);
}

endWithoutReaders();
const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const names = RUNTIMES.map(({ name }) => name);
const unknown = positionals.find((wanted) => !names.includes(wanted));
if (unknown !== undefined) {
  console.error(`error: there is no runtime '${unknown}'; there are ${names.join(', ')}`);
  process.exit(2);
}
const build = spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
if (build.status !== 0) process.exit(1);
for (const runtime of RUNTIMES) {
  if (positionals.length > 0 && !positionals.includes(runtime.name)) continue;
  let installed: Installation;
  try {
    installed = runtime.install();
  } catch (error) {
    console.log(`${runtime.name}: NOT RUN, ${(error as Error).message.split('\n')[0]}`);
    if (positionals.length > 0) process.exitCode = 1;
    continue;
  }
  console.log(installed.version);
  checkByHand(installed);
  checkStress(installed, runtime);
  if (runtime.specs.length > 0) checkSpecs(installed, runtime, values.short);
  for (const { file, title, because } of runtime.lacks) console.log(`  lacks   ${file ?? title}: ${because}`);
}
