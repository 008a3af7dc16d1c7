/** One run of a campaign, in its own process. There is a result even when the process hangs or crashes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onAbort } from '../../base/on-abort.js';
import type { StressPlan } from '../plan.js';
import { repeatCommand, type StressReport, stressArguments } from '../report.js';
import { makeTemporaryFolder, removeTemporaryFolder } from '../temporary-folder.js';
import type { RunResult } from './results-file.js';

/** How many characters of a process's output are kept, from its end, where the errors are. */
const MOST_SAID = 4_000;

/**
 * @param command the program that provides the command `stress`, and its first arguments
 * @param stop kills the process when it aborts
 * @returns undefined, for no result, when the run was stopped or interrupted
 */
export async function runChild(
  command: readonly string[],
  plan: StressPlan,
  graceSeconds: number,
  stop: AbortSignal,
): Promise<RunResult | undefined> {
  const folder = makeTemporaryFolder('campaign');
  const json = join(folder, 'report.json');
  const began = performance.now();
  const [program = '', ...first] = command;
  const child = spawn(program, [...first, 'stress', ...stressArguments(plan), '--quiet', '--json', json], {
    // The channel closes when this process is killed; the child then ends too.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  let late = false;
  const timer = setTimeout(
    () => {
      late = true;
      kill();
    },
    (plan.seconds + graceSeconds) * 1000,
  );
  const stopListening = onAbort(stop, kill);
  killAtExit(child);
  try {
    const { code, said } = await ended(child);
    const report = readReport(json);
    if (stop.aborted || report?.interrupted) return undefined;
    return {
      repeat: repeatCommand(plan),
      plan,
      ...(late
        ? { verdict: 'fail', found: 'hang', detail: `killed ${graceSeconds} s after its time; its output: ${said}` }
        : judge(code, said, report)),
      wallSeconds: Math.round(performance.now() - began) / 1000,
      endedAt: new Date().toISOString(),
      ...(report === undefined ? {} : { report }),
    };
  } finally {
    clearTimeout(timer);
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

function judge(
  code: string,
  said: string,
  report: StressReport | undefined,
): Pick<RunResult, 'verdict' | 'found' | 'detail'> {
  if (code === '0' && report?.verdict === 'pass') return { verdict: 'pass' };
  const violation = report?.violations?.[0];
  if (code === '1' && report?.verdict === 'fail' && violation !== undefined) {
    return { verdict: 'fail', found: violation.oracle, detail: violation.detail };
  }
  const found = code === '0' || code === '1' ? 'nonsense' : 'crash';
  return { verdict: 'fail', found, detail: `ended with ${code}; its output: ${said}` };
}

/** @returns undefined when there is no readable report */
function readReport(path: string): StressReport | undefined {
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
