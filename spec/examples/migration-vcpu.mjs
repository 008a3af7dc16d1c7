import { workerData } from 'node:worker_threads';
import { GuestRam } from 'dirtymem/guest';
import { attachVcpu } from 'dirtymem/vcpu';

// The guest counts: the first word of its RAM is how far it is, and each step leaves its number in one of 256 pages.
const { dirty, guest, control } = workerData;
const [STOP, STANDING] = [0, 1];
const vcpu = attachVcpu(dirty, { name: 'vcpu0' });
const ram = new GuestRam(vcpu, guest);

for (;;) {
  for (let i = 0; i < 100; i++) {
    const step = ram.loadS32(0) + 1;
    ram.store32((step % 256) * 4096 + 4, step);
    ram.store32(0, step);
  }
  vcpu.quiescent();
  if (Atomics.load(control, STOP) === 0) continue;
  vcpu.offline(() => {
    Atomics.store(control, STANDING, 1);
    Atomics.notify(control, STANDING);
    Atomics.wait(control, STOP, 1);
    Atomics.store(control, STANDING, 0);
  });
}
