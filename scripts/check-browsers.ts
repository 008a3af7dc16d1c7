/**
 * `npm run check:browsers`: the engine's browser specs in every browser that is here, WebKitGTK among them, which
 * `npm test` leaves out. A browser that is not here is told and left out, unless it was named.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import type { Browser } from './browsers/browser.js';
import { BROWSERS } from './browsers/browsers.js';
import { measure } from './browsers/measure.js';
import { runProgram } from './run-program.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Runs the specs in the process that it is started in, which `bin/mocha.js` does not where Node has options. */
const MOCHA = [
  '--import',
  './scripts/register.mjs',
  'node_modules/mocha/lib/cli/cli.js',
  'spec/browser/engine.spec.ts',
];
const IDS = BROWSERS.map(({ id }) => id);

interface CheckOptions {
  readonly only?: readonly string[];
  readonly measure?: boolean;
}

async function check({ only, measure: measured = false }: CheckOptions): Promise<void> {
  for (const browser of BROWSERS) {
    if (only !== undefined && !only.includes(browser.id)) continue;
    const missing = browser.missing();
    if (missing !== undefined) {
      console.log(`${browser.name}: NOT RUN, for there is none: ${missing}`);
      if (only !== undefined) process.exitCode = 1;
    } else if (!measured) runSpecs(browser);
    else if (browser.sharedMemory !== 'never') await measure(browser);
  }
}

function runSpecs({ id, name }: Browser): void {
  const env = { ...process.env, BROWSER: id };
  const { status } = spawnSync(process.execPath, MOCHA, { cwd: ROOT, env, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok     ' : 'FAILED '} ${name}\n`);
  if (status !== 0) process.exitCode = 1;
}

function browserId(id: string, before: readonly string[] = []): string[] {
  if (!IDS.includes(id)) throw new InvalidArgumentError(`There are ${IDS.join(', ')}.`);
  return [...before, id];
}

const program = new Command('check:browsers')
  .description(
    "runs the engine's browser specs in each browser that is here.\n" +
      'Exit status: 1 when a spec fails, or a browser that was named is not here; 2 for a mistake in the command.',
  )
  .option('--only <names...>', `these browsers: ${IDS.join(', ')}`, browserId)
  .option(
    '--measure',
    'in place of the specs: what marks cost beside bare loops, and what each browser does its own way',
  )
  .exitOverride()
  .action(check);
await runProgram(program);
