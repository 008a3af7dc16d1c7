import { workerData } from 'node:worker_threads';
import { GuestRam } from 'dirtymem/guest';
import { attachVcpu } from 'dirtymem/vcpu';

const [PAUSED, ENDED, STORES, STOPPED] = [0, 1, 2, 3];
const { dirty, control, vcpu: number, guest, first, end } = workerData;

const vcpu = attachVcpu(dirty, { name: `vcpu at ${first}` });
const ram = new GuestRam(vcpu, guest);
for (let round = 1; ; round++) {
  // After attaching, reporting, coming back online, and before the guest runs on.
  while (Atomics.load(control, PAUSED) === 1) {
    vcpu.offline(() => {
      Atomics.store(control, STOPPED + number, 1);
      Atomics.wait(control, PAUSED, 1);
      Atomics.store(control, STOPPED + number, 0);
    });
  }
  if (Atomics.load(control, ENDED) === 1) break;
  ram.store32(first, round);
  for (let i = 0; i < 50; i++) ram.store32(first + 4 * ((round + i * 613) % 16_384), round); // in 16 pages
  ram.store32(end - 4, round); // in another page, and the same as the first where the guest is stopped
  Atomics.add(control, STORES, 52);
  vcpu.quiescent();
}
vcpu.detach();
