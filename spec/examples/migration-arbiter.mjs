import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';

/** Whoever makes the file first has the machine. Both processes see it, whatever becomes of their connection. */
export function fileArbiter(path) {
  return {
    async claim(side) {
      const draft = `${path}.${randomUUID()}`; // never a name that the decided file may have, too
      await writeFile(draft, side, { flag: 'wx' });
      await link(draft, path).catch((error) => {
        if (error.code !== 'EEXIST') throw error;
      });
      await rm(draft);
      return readFile(path, 'utf8');
    },
  };
}
