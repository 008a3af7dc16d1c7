/** One run of a campaign, in its own process. There is a result even when the process hangs or crashes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onAbort } from '../../base/on-abort.js';
import { makeTemporaryFolder, removeTemporaryFolder } from '../temporary-folder.js';
import { HOST } from './host.js';
import { KINDS, type Kind } from './kinds.js';
import type { Report, RunResult } from './results-file.js';
import type { Run } from './run.js';

/** @returns for the command of a kind, the program that provides it, and its first arguments */
export type Programs = (command: Kind['command']) => readonly string[];

/** How many characters of a process's output are kept, from its end, where the errors are. */
const MOST_SAID = 4_000;

/** A process that is to end may end its own processes first, which a killed one cannot. */
const ENDING_MS = 2_000;

/**
 * @param build that the result is of
 * @param stop ends the process when it aborts
 * @returns undefined, for no result, when the run was stopped or interrupted
 */
export async function runChild(
  programs: Programs,
  build: string,
  run: Run,
  graceSeconds: number,
  stop: AbortSignal,
): Promise<RunResult | undefined> {
  const kind: Kind = KINDS[run.kind];
  const folder = makeTemporaryFolder('campaign');
  const json = join(folder, 'report.json');
  const began = performance.now();
  const [program = '', ...first] = programs(kind.command);
  const child = spawn(program, [...first, ...kind.arguments(run.plan), ...kind.extra(folder), '--json', json], {
    // The channel closes when this process is killed; the child then ends too.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let killing: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill('SIGTERM');
    killing ??= setTimeout(() => child.kill('SIGKILL'), ENDING_MS);
  };
  let late = false;
  const timer = setTimeout(
    () => {
      late = true;
      end();
    },
    (run.seconds + graceSeconds) * 1000,
  );
  const stopListening = onAbort(stop, end);
  if (stop.aborted) end();
  killAtExit(child);
  try {
    const { code, said } = await ended(child);
    const report = readReport(json);
    if (stop.aborted || (report?.interrupted && !late)) return undefined;
    return {
      repeat: run.repeat,
      build,
      kind: run.kind,
      plan: run.plan,
      ...(late
        ? { verdict: 'fail', found: 'hang', detail: `killed ${graceSeconds} s after its time; its output: ${said}` }
        : judge(kind, code, said, report)),
      wallSeconds: Math.round(performance.now() - began) / 1000,
      endedAt: new Date().toISOString(),
      host: HOST,
      ...(report === undefined ? {} : { report }),
    };
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    stopListening();
    spare(child);
    removeTemporaryFolder(folder);
  }
}

/**
 * The children to kill when this process ends. One listener kills all of them, because Node warns when there are many
 * listeners.
 */
const mortal = new Set<ChildProcess>();
const killAll = (): void => {
  for (const child of mortal) child.kill('SIGKILL');
};

function killAtExit(child: ChildProcess): void {
  if (mortal.size === 0) process.on('exit', killAll);
  mortal.add(child);
}

function spare(child: ChildProcess): void {
  mortal.delete(child);
  if (mortal.size === 0) process.off('exit', killAll);
}

/** Exit codes of the command line: 0 pass, 1 a violation, 2 a mistake in the command. */
function judge(
  kind: Kind,
  code: string,
  said: string,
  report: Report | undefined,
): Pick<RunResult, 'verdict' | 'found' | 'detail'> {
  if (code === '0' && report?.verdict === 'pass') return { verdict: 'pass' };
  const finding = report?.verdict === 'fail' ? kind.finding(report as never) : undefined;
  if (code === '1' && finding !== undefined) return { verdict: 'fail', ...finding };
  const found = code === '0' || code === '1' ? 'nonsense' : code === '2' ? 'refused' : 'crash';
  return { verdict: 'fail', found, detail: `ended with ${code}; its output: ${said}` };
}

/** @returns undefined when there is no readable report */
function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @returns the exit code or the signal, and the end of the process's output */
function ended(child: ChildProcess): Promise<{ code: string; said: string }> {
  return new Promise((resolve) => {
    let said = '';
    const more = (chunk: Buffer): void => {
      said = (said + chunk).slice(-MOST_SAID);
    };
    child.stdout?.on('data', more);
    child.stderr?.on('data', more);
    child.on('error', (error) => resolve({ code: 'no start', said: error.message }));
    child.on('close', (code, signal) => resolve({ code: String(code ?? signal), said }));
  });
}
