/** The same operations in C, where the machine has a compiler: a process that answers requests with times. */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** By program, a C file of this folder. */
export interface Requests {
  sync: 'clean' | 'sparse' | 'dense' | 'range512 dirty' | 'range512 clean' | 'block-dirty' | 'block-clean' | 'scan';
  mark: 'mark-1' | 'mark-3' | 'mark-1-rows' | 'mark-3-rows';
}

export class Native<Program extends keyof Requests> {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;
  private readonly folder: string;

  constructor(executable: string, folder: string) {
    this.child = spawn(executable, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface(this.child.stdout)[Symbol.asyncIterator]();
    this.folder = folder;
  }

  /** @returns nanoseconds */
  async time(request: Requests[Program]): Promise<number> {
    this.child.stdin.write(`${request}\n`);
    const { value: line, done } = await this.lines.next();
    if (done) throw new Error(`the C program ended at '${request}'`);
    const nanoseconds = Number(line);
    if (!(nanoseconds > 0)) throw new Error(`the C program answered '${request}' with '${line}'`);
    return nanoseconds;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.stdin.end();
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @returns undefined, and says so, where nothing compiles C */
export function startNative<Program extends keyof Requests>(program: Program): Native<Program> | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'dirtymem-bench-'));
  const source = fileURLToPath(new URL(`./${program}.c`, import.meta.url));
  const executable = join(folder, program);
  for (const flags of [['-O2', '-mpopcnt'], ['-O2']]) {
    try {
      execFileSync('cc', [...flags, '-o', executable, source], { stdio: 'ignore' });
      return new Native(executable, folder);
    } catch {
      // The flag is x86's alone.
    }
  }
  rmSync(folder, { recursive: true, force: true });
  console.log('note: no C compiler (cc): what is compared with C is shown without');
  return undefined;
}
