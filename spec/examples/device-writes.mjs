import assert from 'node:assert';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { DirtyMemory, MIGRATION } from 'dirtymem';

const MiB = 2 ** 20;
const folder = await mkdtemp(join(tmpdir(), 'device-writes-'));
const image = { path: join(folder, 'disk'), bytes: randomBytes(2 * MiB) };
await writeFile(image.path, image.bytes);

const memory = DirtyMemory.create();
const { size } = memory.ram.plug({ id: 'ram', size: 4 * MiB });
const guest = new SharedArrayBuffer(size);
const replica = new Uint8Array(size);

let running = 0;
for (const [device, region] of [
  ['nic', { start: 0, length: 2 * MiB }],
  ['disk', { start: 2 * MiB, length: 2 * MiB }],
]) {
  const url = new URL(`./device-writes-${device}.mjs`, import.meta.url);
  const worker = new Worker(url, { workerData: { dirty: memory.handle, guest, region, path: image.path } });
  memory.supervise(worker);
  running++;
  worker.once('exit', () => running--);
}

let [harvests, pages] = [0, 0];
while (running > 0) {
  await copyDirtyPages();
  await turn(); // a harvest that finds nothing does not, and nobody would hear that a device has ended
}
await copyDirtyPages(); // what was marked last

assert(image.bytes.equals(new Uint8Array(guest, 2 * MiB)));
assert(Buffer.from(guest).equals(replica));
console.log(`${pages} pages in ${harvests} harvests: the replica is the guest's RAM`);
await memory.close();
await rm(folder, { recursive: true });

async function copyDirtyPages() {
  const { set, added } = await memory.harvest(MIGRATION);
  for (const { start, length } of set.runs()) replica.set(new Uint8Array(guest, start, length), start);
  set.dispose();
  pages += added;
  if (added > 0) harvests++;
}
