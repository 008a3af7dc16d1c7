/**
 * Temporary folders. A process removes its own folders at its end; when a process is killed, the next process that
 * makes such a folder removes the killed one's folders.
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
      // Another process is removing the folder too, or it cannot be removed now and stays until a later process tries.
    }
  }
}

/**
 * Refuses links and other users' folders: somebody may have given them such a name to make this process remove
 * something else.
 */
function isOwnFolder(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid());
}
