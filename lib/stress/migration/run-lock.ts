/**
 * What only one machine can hold, and holds for as long as its vCPUs may run: a file that is created exclusively. Two
 * machines that run at once, for however short a time, meet here.
 */
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export class RunLock {
  private readonly path: string;

  /** @param folder the same for both */
  constructor(folder: string) {
    this.path = join(folder, 'running');
  }

  /** @returns who holds it, if another does */
  acquire(holder: string): string | undefined {
    let file: number;
    try {
      file = openSync(this.path, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return this.holder ?? 'one that stood still by now';
    }
    writeSync(file, holder);
    closeSync(file);
    return undefined;
  }

  release(): void {
    unlinkSync(this.path);
  }

  get holder(): string | undefined {
    try {
      return readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return undefined;
    }
  }
}
