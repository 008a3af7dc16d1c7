import assert from 'node:assert';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { changedRectangles, DirtyMemory, VGA } from 'dirtymem';

const memory = DirtyMemory.create({ tracked: 0 }); // nobody needs bits while nothing is shown or migrated
const dimm = memory.ram.plug({ id: 'dimm0', size: 4 * 2 ** 20 });
const guest = new Uint8Array(new SharedArrayBuffer(dimm.size)); // by ram_addr: the block begins at 0

// It begins in mid-page, and its lines are no whole pages.
const surface = { start: 1_000_000, width: 640, height: 400, stride: 640 * 4 + 128, bytesPerPixel: 4 };
const { start, width, height, stride, bytesPerPixel } = surface;
const shadow = new Uint8Array(width * height * bytesPerPixel); // what the window shows
let copied = 0;

const line = (x, y, pixels) =>
  guest.subarray(start + y * stride + x * bytesPerPixel).subarray(0, pixels * bytesPerPixel);

async function refresh() {
  const changed = await tracking.snapshotAndClear(start, height * stride);
  for (const rectangle of changedRectangles(changed, surface)) {
    for (let y = rectangle.y; y < rectangle.y + rectangle.height; y++) {
      const pixels = line(rectangle.x, y, rectangle.width);
      shadow.set(pixels, (y * width + rectangle.x) * bytesPerPixel);
      copied += pixels.length;
    }
  }
  changed.dispose();
}

const tracking = await memory.track(VGA); // a window is opened: all RAM is dirty for VGA
await refresh(); // the whole picture
assert.strictEqual(copied, shadow.length);

const stop = new Int32Array(new SharedArrayBuffer(4));
const workers = [0, 1].map((number) => {
  const workerData = { dirty: memory.handle, guest, stop, surface, number };
  return new Worker(new URL('./framebuffer-vcpu.mjs', import.meta.url), { workerData });
});
for (const worker of workers) memory.supervise(worker);
await Promise.all(workers.map((worker) => once(worker, 'message'))); // each has drawn its first box

copied = 0;
const refreshes = 30;
for (let n = 0; n < refreshes; n++) {
  await Promise.all([refresh(), sleep(1000 / 60)]); // while the vCPUs draw
}

Atomics.store(stop, 0, 1);
Atomics.notify(stop, 0);
await Promise.all(workers.map((worker) => once(worker, 'exit')));
await refresh();
for (let y = 0; y < height; y++) {
  const shown = shadow.subarray(y * width * bytesPerPixel, (y + 1) * width * bytesPerPixel);
  assert.deepStrictEqual(shown, line(0, y, width), `line ${y}`);
}
assert(copied > 0 && copied < (refreshes * shadow.length) / 3); // the boxes keep to a quarter of the lines

const before = copied;
await refresh(); // nothing changed: no grace period, no copy
assert.strictEqual(copied, before);
await tracking.stop(); // the window is closed
console.log(`copied ${Math.round((100 * copied) / (refreshes * shadow.length))} % of ${refreshes} whole pictures`);
await memory.close();
