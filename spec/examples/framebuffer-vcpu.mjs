import { parentPort, workerData } from 'node:worker_threads';
import { ALL_CLIENTS, attachVcpu } from 'dirtymem/vcpu';

const { dirty, guest, stop, surface, number } = workerData;
const { start, width, stride, bytesPerPixel } = surface;
const [size, top] = [48, 50 + 200 * number];
const vcpu = attachVcpu(dirty, { name: `vcpu${number}` });

function draw(left, color) {
  for (let y = top; y < top + size; y++) {
    const first = start + y * stride + left * bytesPerPixel;
    vcpu.markRange(first, size * bytesPerPixel, ALL_CLIENTS);
    guest.fill(color, first, first + size * bytesPerPixel);
    vcpu.quiescent(); // a line is marked and stored: the end of an interval
  }
}

for (let left = 0; Atomics.load(stop, 0) === 0; left = (left + 3) % (width - size)) {
  draw(left, 100 + (left % 100));
  if (left === 0) parentPort.postMessage('drawn');
  vcpu.offline(() => Atomics.wait(stop, 0, 0, 2)); // the guest is idle for 2 ms
  draw(left, 0);
}
vcpu.detach();
