/** A vCPU that stores one value and the other in turn to the first 8 bytes of guest RAM, until it is terminated. */
import { workerData } from 'node:worker_threads';
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { GuestRam } from './guest-ram.js';

export interface StoringVcpu {
  readonly handle: ArenaHandle;
  readonly buffer: SharedArrayBuffer;
  /** Whether as two stores of 4 bytes. */
  readonly inHalves: boolean;
}

const { handle, buffer, inHalves } = workerData as StoringVcpu;
const vcpu = attachVcpu(handle);
const ram = new GuestRam(vcpu, buffer, () => {});
for (let ones = true; ; ones = !ones) {
  if (inHalves) {
    ram.store(0, 4, ones ? 2 ** 32 - 1 : 0);
    ram.store(4, 4, ones ? 2 ** 32 - 1 : 0);
  } else {
    ram.store(0, 8, ones ? 2n ** 64n - 1n : 0n);
  }
  vcpu.quiescent();
}
