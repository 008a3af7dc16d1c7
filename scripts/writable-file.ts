/** An option that names a file to be written: found wrong before the run, not after it. */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { InvalidArgumentError } from 'commander';

export function writableFile(path: string): string {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return path;
}
