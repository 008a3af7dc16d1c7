/** Runs what documents and examples show, as a user would, with the package's names leading to lib/. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const root = new URL('../../', import.meta.url);
const run = promisify(execFile);

export const doors = {
  dirtymem: new URL('lib/index.ts', root).href,
  'dirtymem/vcpu': new URL('lib/vcpu.ts', root).href,
  'dirtymem/migration': new URL('lib/migration/index.ts', root).href,
  'dirtymem/save-states': new URL('lib/save-states/index.ts', root).href,
  'dirtymem/guest': new URL('lib/guest/index.ts', root).href,
  'dirtymem/trace': new URL('lib/trace/index.ts', root).href,
};

/** @returns what it prints. @throws (rejects) when its exit code is not 0, or it takes longer than `timeoutMs` */
export async function runProgram(
  file: string,
  timeoutMs: number,
  args: readonly string[] = [],
): Promise<{ stdout: string; stderr: string }> {
  const register = new URL('scripts/register.mjs', root).href;
  return run(process.execPath, ['--import', register, file, ...args], { timeout: timeoutMs });
}
