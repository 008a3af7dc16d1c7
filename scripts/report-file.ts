/** A file that a command writes at its end. A path that cannot be written is refused before the run, not after it. */
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { InvalidArgumentError } from 'commander';

/**
 * The parser of an option that names such a file. It changes no file that exists, and leaves none that did not exist.
 */
export function reportFile(path: string): string {
  try {
    tryToWrite(path);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return path;
}

/**
 * To be called at the end of a command, when its exit code is known. If the file cannot be written, the exit code
 * becomes 2, unless it is 1 because the run has failed.
 */
export function writeReport(path: string, content: string): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    console.error(`error: the report is lost: ${(error as Error).message}`);
    if (process.exitCode !== 1) process.exitCode = 2;
  }
}

function tryToWrite(path: string): void {
  if (path === '') throw new Error('It must name a file.');
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) {
    closeSync(openSync(path, 'wx'));
    rmSync(path);
    return;
  }
  const target = statSync(path, { throwIfNoEntry: false });
  if (target === undefined) throw new Error(`${path} is a link to a file that does not exist.`);
  if (target.isFIFO()) {
    // Do not open the pipe: closing it again would show its reader the end of the data.
    accessSync(path, constants.W_OK);
    return;
  }
  const file = openSync(path, 'r+');
  try {
    // A device fails here if it accepts no data; a regular file does not change.
    writeSync(file, Buffer.alloc(0));
  } finally {
    closeSync(file);
  }
}
