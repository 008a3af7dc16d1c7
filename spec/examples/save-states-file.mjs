import { createHash } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { checkHeader } from './save-states-header.mjs';

const MAGIC = Buffer.from('dirtymem save state, version 1\n');
const LENGTH = 4; // of the header's length
const TRAILER = 8 + 32; // how many bytes precede it, and their SHA-256

export function statePath(folder, sequence) {
  return join(folder, `${String(sequence).padStart(6, '0')}.state`);
}

/**
 * A file has its name only when all of it is on the disk, and keeps its name through a power failure.
 * @param header sequence, parent, pageSize, blocks, runs; contents has the bytes of each run that is not zero
 * @returns the digest, which the next state's header has for its parent
 */
export async function writeState(folder, { contents, ...header }) {
  const path = statePath(folder, header.sequence);
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(LENGTH);
  length.writeUInt32LE(json.length);
  const hash = createHash('sha256');
  const file = await open(`${path}.part`, 'w'); // what is left of one that failed is overwritten
  let digest;
  try {
    let written = 0;
    for (const part of [MAGIC, length, json, ...contents]) {
      hash.update(part);
      await file.writeFile(part); // goes on where the one before has ended
      written += part.length;
    }
    digest = hash.digest();
    const trailer = Buffer.alloc(8);
    trailer.writeBigUInt64LE(BigInt(written));
    await file.writeFile(Buffer.concat([trailer, digest]));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  await syncFolder(folder);
  return digest.toString('hex');
}

/**
 * @param maxRamBytes of all RAM blocks together, which `restore` allocates
 * @returns the header, the digest, and where the contents begin; undefined unless every byte is as it was written
 * @throws Error when it was written as no save writes it
 */
export async function readHeader(file, maxRamBytes) {
  const { size } = await file.stat();
  const end = size - TRAILER;
  if (end < MAGIC.length + LENGTH) return undefined;
  const trailer = await readAt(file, end, TRAILER);
  if (trailer.readBigUInt64LE() !== BigInt(end)) return undefined;
  const hash = createHash('sha256');
  for (let at = 0; at < end; at += 2 ** 20) hash.update(await readAt(file, at, Math.min(2 ** 20, end - at)));
  const digest = hash.digest();
  if (!digest.equals(trailer.subarray(8))) return undefined;
  const magic = await readAt(file, 0, MAGIC.length);
  if (!magic.equals(MAGIC)) throw new Error(`no save state of this version: ${magic}`);
  const at = MAGIC.length + LENGTH;
  const length = (await readAt(file, MAGIC.length, LENGTH)).readUInt32LE();
  if (length > end - at) throw new Error(`save state: a header of ${length} bytes, where there are ${end - at}`);
  const header = JSON.parse(await readAt(file, at, length));
  checkHeader(header ?? {}, end - at - length, maxRamBytes);
  return { ...header, digest: digest.toString('hex'), contentsAt: at + length };
}

export async function readInto(file, bytes, position) {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes.subarray(done), { position: position + done });
    if (bytesRead === 0) throw new Error(`the file ends at ${position + done}`);
    done += bytesRead;
  }
  return bytes;
}

function readAt(file, position, length) {
  return readInto(file, Buffer.alloc(length), position);
}

async function syncFolder(folder) {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
