/**
 * An arbiter for two processes that share a folder. The storage must create links atomically: when both processes link
 * the same name, exactly one succeeds.
 */
import { randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import type { Arbiter, Side } from '../lib/migration/index.js';

export class FileArbiter implements Arbiter {
  private readonly path: string;

  /**
   * @param path of a file for this decision alone, which does not exist yet. The file is left behind, because a side
   * that claims later must find it
   */
  constructor(path: string) {
    this.path = path;
  }

  async claim(side: Side): Promise<Side> {
    // Write a draft under another name, so that the file at `path` is complete as soon as it exists. The draft's name
    // is never used again: a process that dies right after `link` leaves the draft as a second name of the decided
    // file.
    const draft = `${this.path}.${side}.${randomUUID()}`;
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(side);
      await file.sync();
      await link(draft, this.path).catch((error) => {
        if (error.code !== 'EEXIST') throw error;
      });
    } finally {
      await file.close();
      await rm(draft, { force: true });
    }
    const winner = await readFile(this.path, 'utf8');
    if (winner === 'source' || winner === 'destination') return winner;
    throw new Error(`${this.path}: expected the claim of a side, not '${winner}'`);
  }
}
