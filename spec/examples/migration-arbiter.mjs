import { link, readFile, writeFile } from 'node:fs/promises';

/** Whoever makes the file first has the machine. Both processes see it, whatever becomes of their connection. */
export function fileArbiter(path) {
  return {
    async claim(side) {
      await writeFile(`${path}.${side}`, side);
      await link(`${path}.${side}`, path).catch((error) => {
        if (error.code !== 'EEXIST') throw error;
      });
      return readFile(path, 'utf8');
    },
  };
}
