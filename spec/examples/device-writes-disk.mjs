import { open } from 'node:fs/promises';
import { workerData } from 'node:worker_threads';
import { ALL_CLIENTS, attachVcpu } from 'dirtymem/vcpu';

const { dirty, guest, region, path } = workerData;
const BLOCK = 32 * 1024;
const DEPTH = 4;

const disk = attachVcpu(dirty, { name: 'disk' });
disk.goOffline(); // it is online to mark, and at no other time
const image = await open(path);
for (let at = 0; at < region.length; at += DEPTH * BLOCK) {
  const requests = Array.from({ length: DEPTH }, (_, i) => at + i * BLOCK);
  await Promise.all(requests.map((position) => readBlock(position, region.start + position)));
}
await image.close();
disk.detach();

/** A thread of Node's stores to guest RAM, at any time until the read has ended. */
async function readBlock(position, start) {
  try {
    const { bytesRead } = await image.read(new Uint8Array(guest, start, BLOCK), { position });
    if (bytesRead < BLOCK) throw new Error(`the image ends at ${position + bytesRead}`);
  } finally {
    disk.goOnline();
    disk.markRange(start, BLOCK, ALL_CLIENTS); // all of it: a read that fails, too, may have stored some
    disk.goOffline();
  }
}
