/** Runs the command line as a user does, from the sources. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `npm run bench`. */
export function runBench(args: readonly string[]): Promise<Outcome> {
  return runCommand(args, undefined, 'benchmarks/run.ts');
}

/** @param onOutput told all output so far, each time there is more */
export function runCommand(
  args: readonly string[],
  onOutput: (output: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
  script = 'scripts/dirtymem.ts',
): Promise<Outcome> {
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
