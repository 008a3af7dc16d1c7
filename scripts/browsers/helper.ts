/** A program that runs beside this one until it is told to end. It does not outlive this process. */
import { type ChildProcess, spawn } from 'node:child_process';

const KILLED_AFTER_MS = 10_000;

export class Helper {
  private readonly name: string;
  private readonly child: ChildProcess;
  private readonly ended: Promise<string>;
  private printed = '';
  private readonly kill = (): void => void this.child.kill('SIGKILL');

  constructor(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.name = file;
    this.child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.printed += text;
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(error.message));
      this.child.once('exit', (code, signal) => resolve(`it has ended (${signal ?? code})`));
    });
    process.once('exit', this.kill);
  }

  /** @returns what the program has printed that matches. @throws (rejects) Error when it ends before */
  says(pattern: RegExp): Promise<string> {
    return this.until(async () => pattern.exec(this.printed)?.[1]);
  }

  /** @returns the first answer of `look` that is not undefined. @throws (rejects) Error when the program ends before */
  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    let fault: string | undefined;
    this.ended.then((why) => {
      fault = why;
    });
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (fault !== undefined) throw new Error(`${this.name}: ${fault}: ${this.printed}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Resolves when the program is gone. Kills it where it does not end by itself. @param signal none: it was told */
  async end(signal?: NodeJS.Signals): Promise<void> {
    if (signal !== undefined) this.child.kill(signal);
    const kill = setTimeout(this.kill, KILLED_AFTER_MS);
    await this.ended;
    clearTimeout(kill);
    process.off('exit', this.kill);
  }
}
