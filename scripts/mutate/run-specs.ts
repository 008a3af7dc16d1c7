/**
 * Runs spec files in one mocha process, which stops at the first spec that fails, and is killed after the time limit.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { NOTICE_THREADS } from './reach.js';

export type SpecsOutcome =
  | { readonly verdict: 'survived' }
  /** A spec failed, and failed again in every retry. */
  | { readonly verdict: 'killed'; readonly file: string; readonly title: string }
  /** The process was killed at the time limit. */
  | { readonly verdict: 'hung' }
  /** The process ended without a report: the sources could not be loaded, or the process died. */
  | { readonly verdict: 'crashed'; readonly said: string };

interface MochaReport {
  readonly stats: { readonly passes: number };
  readonly failures: readonly { readonly fullTitle: string; readonly file?: string }[];
}

/** A failed spec is tried again, so that one that fails by chance on a busy machine kills no mutant. */
const RETRIES = 1;
/** How many characters of a process's output are kept, from its end, where the error is. */
const MOST_SAID = 1_000;

/**
 * @param stop kills the process when it aborts
 * @param coverage a folder for V8's coverage
 * @returns undefined when `stop` aborted
 */
export async function runSpecs(
  folder: string,
  specs: readonly string[],
  limitMs: number,
  stop: AbortSignal,
  coverage?: string,
): Promise<SpecsOutcome | undefined> {
  if (stop.aborted) return undefined;
  const json = join(folder, 'report.json');
  rmSync(json, { force: true });
  // Not bin/mocha.js, which would run this file in a child process that survives when its parent is killed.
  const mocha = join(folder, 'node_modules/mocha/bin/_mocha');
  const options = ['--bail', '--retries', String(RETRIES), '--reporter', 'json', '--reporter-option', `output=${json}`];
  const imports = [
    '--import',
    './scripts/register.mjs',
    ...(coverage === undefined ? [] : ['--import', NOTICE_THREADS]),
  ];
  const child = spawn(process.execPath, [...imports, mocha, ...options, ...specs], {
    cwd: folder,
    env: { ...process.env, ...(coverage !== undefined && { NODE_V8_COVERAGE: coverage }) },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let isLate = false;
  const kill = (): void => killGroup(child.pid);
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, limitMs);
  stop.addEventListener('abort', kill);
  try {
    const { code, said } = await new Promise<{ code: number | null; said: string }>((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said = `${said}${chunk}`.slice(-MOST_SAID);
      });
      child.on('error', reject);
      child.on('exit', kill);
      child.on('close', (code) => resolve({ code, said }));
    });
    if (stop.aborted) return undefined;
    return isLate ? { verdict: 'hung' } : judge(folder, code, said, readReport(json));
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', kill);
  }
}

/** Kills the process and all processes of its group. */
function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function judge(folder: string, code: number | null, said: string, report: MochaReport | undefined): SpecsOutcome {
  const failure = report?.failures[0];
  if (failure !== undefined) {
    const file = relative(folder, failure.file ?? '').replaceAll(sep, '/');
    return { verdict: 'killed', file, title: failure.fullTitle };
  }
  if (code === 0 && report !== undefined && report.stats.passes > 0) return { verdict: 'survived' };
  return { verdict: 'crashed', said: said.trim() };
}

/** @returns undefined when there is no readable report */
function readReport(path: string): MochaReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as MochaReport;
  } catch {
    return undefined;
  }
}
