/** Files of JSON that a user names: they may be anything. */
import { closeSync, openSync, readSync } from 'node:fs';

/**
 * @param mostBytes how much is read at most: a device or a pipe may never end
 * @throws Error whose message has the file's name and what is wrong: it cannot be read, is too long, or is not JSON
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
