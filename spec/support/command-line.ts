/** Runs the command line as a user does, from the sources. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

type OnOutput = (output: string, kill: (signal: NodeJS.Signals) => void) => void;

/** `npm run bench`. */
export function runBench(args: readonly string[]): Promise<Outcome> {
  return runScript('benchmarks/run.ts', args);
}

/** @param onOutput told all output so far, each time there is more */
export function runCommand(args: readonly string[], onOutput?: OnOutput): Promise<Outcome> {
  return runScript('scripts/dirtymem.ts', args, onOutput);
}

export function runScript(script: string, args: readonly string[], onOutput: OnOutput = () => {}): Promise<Outcome> {
  const child = spawn(process.execPath, ['--import', './scripts/register.mjs', script, ...args], { cwd: ROOT });
  return new Promise((resolve, reject) => {
    let output = '';
    const more = (chunk: Buffer): void => {
      output += chunk;
      onOutput(output, (signal) => child.kill(signal));
    };
    child.stdout.on('data', more);
    child.stderr.on('data', more);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
