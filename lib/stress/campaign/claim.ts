/**
 * Lets one process at a time use a file. A process first makes a claim file beside it, whose name contains the
 * process's mark, and then looks for the claim files of other processes. When two processes begin at the same time, at
 * least one sees the other's claim, so the two never both go on; both may give up. The mark tells whether the process
 * that made a claim still lives: the claim of a killed process does not count. No process ever removes the claim of a
 * living process, which can happen when processes take over a lock file that has a fixed name.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isGone, MARK, OWN_MARK, pidOf } from '../process-mark.js';

/** The paths that this process has claimed. */
const claimed = new Set<string>();

export class Claim {
  private readonly path: string;

  /**
   * @param path of the file, with all links resolved: a claim does not recognize other names of the same file
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

/** Removes the claim files of killed processes. @returns the mark of a process that may be living, if there is one */
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
