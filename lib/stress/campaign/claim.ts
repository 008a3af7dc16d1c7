/**
 * One process at a time uses a file. A process first makes a file beside it whose name has the process's mark, and then
 * looks for those of others. Of two that begin at the same time at least one sees the other, so never both go on; both may
 * give up. What a killed process has left behind is known by its mark, and holds nothing. No file of a living process is
 * ever removed by another, which is what goes wrong where a lock file with one name is taken over.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isGone, MARK, OWN_MARK, pidOf } from '../process-mark.js';

/** Of this process. */
const claimed = new Set<string>();

export class Claim {
  private readonly path: string;

  /**
   * @param path of a file, without links in it: other names of the file are not recognized
   * @throws Error when the file is in use, or its folder cannot be written to
   */
  constructor(path: string) {
    this.path = path;
    if (claimed.has(path)) throw new Error(`${path} is in use by this process`);
    writeFileSync(`${path}.used-by-${OWN_MARK}`, '');
    claimed.add(path);
    process.on('exit', this.release);
    const other = otherUser(path);
    if (other === undefined) return;
    this.release();
    throw new Error(`${path} is in use by process ${pidOf(other)}; if it is not, remove ${path}.used-by-${other}`);
  }

  readonly release = (): void => {
    process.off('exit', this.release);
    rmSync(`${this.path}.used-by-${OWN_MARK}`, { force: true });
    claimed.delete(this.path);
  };
}

/** Removes what killed processes have left behind. @returns the mark of one that may be living */
function otherUser(path: string): string | undefined {
  const folder = dirname(path);
  const name = new RegExp(`^\\.used-by-(${MARK})$`);
  for (const file of readdirSync(folder)) {
    if (!file.startsWith(basename(path))) continue;
    const mark = name.exec(file.slice(basename(path).length))?.[1];
    if (mark === undefined || mark === OWN_MARK) continue;
    if (!isGone(mark)) return mark;
    rmSync(join(folder, file), { force: true });
  }
  return undefined;
}
