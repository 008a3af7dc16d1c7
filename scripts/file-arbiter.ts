/** An arbiter for two processes that see one folder, on storage where a link is made by one of them or by none. */
import { randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import type { Arbiter, Side } from '../lib/migration/index.js';

export class FileArbiter implements Arbiter {
  private readonly path: string;

  /** @param path of a file that does not exist yet, and is nobody else's. Left behind: whoever claims later must find it */
  constructor(path: string) {
    this.path = path;
  }

  async claim(side: Side): Promise<Side> {
    // Under another name first, so that the file that counts is whole from the moment on in which it exists. The name is
    // never used again: a process that ends after the link leaves the draft as a second name of the decided file.
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
    throw new Error(`${this.path}: no claim, but '${winner}'`);
  }
}
