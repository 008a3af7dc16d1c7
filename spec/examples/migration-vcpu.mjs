import { workerData } from 'node:worker_threads';
import { attachVcpu } from 'dirtymem/vcpu';

// The guest counts: the first word of its RAM is how far it is, and each step leaves its number in one of 256 pages.
const { dirty, guest, control } = workerData;
const ram = new Int32Array(guest);
const [STOP, STANDING] = [0, 1];
const vcpu = attachVcpu(dirty, { name: 'vcpu0' });

for (;;) {
  for (let i = 0; i < 100; i++) {
    const step = ram[0] + 1;
    const word = (step % 256) * 1024 + 1;
    vcpu.mark(word * 4);
    ram[word] = step;
    vcpu.mark(0);
    ram[0] = step;
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
