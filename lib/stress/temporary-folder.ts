/**
 * Temporary folders that do not outlive their use: a process removes its own at its end, and what it leaves behind when it
 * is killed is removed by the next process that makes one.
 */
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isGone, MARK, OWN_MARK } from './process-mark.js';

const NAME = new RegExp(`^dirtymem-[a-z]+-(${MARK})-\\w{6}$`);

const own = new Set<string>();

/** @param purpose in lower-case letters. @returns the path of a new, empty folder */
export function makeTemporaryFolder(purpose: string): string {
  removeLeftBehind(tmpdir());
  const folder = mkdtempSync(join(tmpdir(), `dirtymem-${purpose}-${OWN_MARK}-`));
  if (own.size === 0) process.on('exit', removeOwn);
  own.add(folder);
  return folder;
}

/** Removes a folder that `makeTemporaryFolder` made here, with everything in it. */
export function removeTemporaryFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  own.delete(folder);
  if (own.size === 0) process.off('exit', removeOwn);
}

function removeOwn(): void {
  for (const folder of own) removeTemporaryFolder(folder);
}

function removeLeftBehind(parent: string): void {
  for (const name of readdirSync(parent)) {
    const mark = NAME.exec(name)?.[1];
    if (mark === undefined || !isGone(mark)) continue;
    const folder = join(parent, name);
    try {
      if (isOwnFolder(folder)) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another process is removing it as well; or it stays until a later one can.
    }
  }
}

/** A link, or another user's folder, may have such a name to have something else removed. */
function isOwnFolder(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid());
}
