/** A file that a command writes at its end: found wrong before the run, not after it. */
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

/** The parser of an option that names such a file. What is there stays, and what is not there is not left behind. */
export function reportFile(path: string): string {
  try {
    tryToWrite(path);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return path;
}

/** Called at the end of a command, when its exit code is known: 2 if the file cannot be written, but for a failure. */
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
    // Whoever waits to read from the pipe would see its end when it is opened and closed.
    accessSync(path, constants.W_OK);
    return;
  }
  const file = openSync(path, 'r+');
  try {
    // A device tells whether it takes anything; a regular file does not change.
    writeSync(file, Buffer.alloc(0));
  } finally {
    closeSync(file);
  }
}
