/**
 * A C program that is compiled if the machine has a C compiler. It runs as a process that answers each line with a
 * line.
 */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../lib/stress/temporary-folder.js';

export class CProgram {
  /** The program's own folder, which is removed when the program stops. */
  readonly folder: string;
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;

  private constructor(program: string, folder: string) {
    this.child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface(this.child.stdout)[Symbol.asyncIterator]();
    this.folder = folder;
  }

  /**
   * @param source a file of this folder
   * @param flags sets of compiler flags; the first set that compiles is used
   * @returns undefined, after printing a note, when the program cannot be compiled
   */
  static start(source: string, flags: readonly (readonly string[])[]): CProgram | undefined {
    const folder = makeTemporaryFolder('bench');
    const program = join(folder, 'program');
    const file = fileURLToPath(new URL(`./${source}`, import.meta.url));
    for (const set of flags) {
      try {
        execFileSync('cc', ['-o', program, file, ...set], { stdio: 'ignore' });
        return new CProgram(program, folder);
      } catch {
        // This machine does not know a flag, or lacks a library: try the next set.
      }
    }
    removeTemporaryFolder(folder);
    console.log('note: no C compiler (cc), so the figures of C are left out');
    return undefined;
  }

  async ask(request: string): Promise<string> {
    this.child.stdin.write(`${request}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`the C program ended at '${request}'`);
    return value;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.stdin.end();
    await ended;
    removeTemporaryFolder(this.folder);
  }
}
