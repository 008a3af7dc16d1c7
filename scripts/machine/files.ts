/** Files that commands of the machine are given. */
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';

/** The bytes of a file that an option names. */
export function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
