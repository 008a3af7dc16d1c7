/** An option that names a file to be written: found wrong before the run, not after it. */
import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { InvalidArgumentError } from 'commander';

export function writableFile(path: string): string {
  try {
    // Opened, because access alone lets folders pass; not made, because a run that is refused leaves nothing.
    if (existsSync(path)) closeSync(openSync(path, 'r+'));
    else accessSync(dirname(path) + sep, constants.W_OK);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return path;
}
