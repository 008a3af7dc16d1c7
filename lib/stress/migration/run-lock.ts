/**
 * A lock that a machine holds for as long as its vCPUs may run: a file that is created exclusively. If two machines run
 * at the same time, however shortly, the second fails to take the lock.
 */
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export class RunLock {
  private readonly path: string;

  /** @param folder the same folder for both hosts */
  constructor(folder: string) {
    this.path = join(folder, 'running');
  }

  /** @returns who holds the lock, if another machine does */
  acquire(holder: string): string | undefined {
    let file: number;
    try {
      file = openSync(this.path, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return this.holder ?? 'a machine that has just been paused';
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
