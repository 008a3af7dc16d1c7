/** Reads a JSON file that a user names. It may turn out to be anything. */
import { closeSync, openSync, readSync } from 'node:fs';

/**
 * @param mostBytes longest file that is accepted: a device or a pipe may never end
 * @throws Error that names the file and says what is wrong: the file cannot be read, is too long, or is not JSON
 */
export function readJsonFile(path: string, mostBytes: number): unknown {
  try {
    return JSON.parse(readUpTo(path, mostBytes).toString());
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

function readUpTo(path: string, mostBytes: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const pieces: Buffer[] = [];
    for (let length = 0; length <= mostBytes; ) {
      const piece = Buffer.alloc(2 ** 16);
      const read = readSync(file, piece);
      if (read === 0) return Buffer.concat(pieces);
      pieces.push(piece.subarray(0, read));
      length += read;
    }
    throw new Error(`it is longer than ${mostBytes} bytes`);
  } finally {
    closeSync(file);
  }
}
