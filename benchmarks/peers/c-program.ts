/** A program in C, compiled where the machine has a compiler: a process that answers lines with lines. */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../lib/stress/temporary-folder.js';

export class CProgram {
  /** Its own, removed when it stops. */
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
   * @param flags sets of them, of which the first that compiles is taken
   * @returns undefined, and says so, where nothing compiles it
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
        // A flag that is not every machine's, or a library that is not there.
      }
    }
    removeTemporaryFolder(folder);
    console.log('note: no C compiler (cc): what is compared with C is shown without');
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
