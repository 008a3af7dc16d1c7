/** A vCPU that stores one value and the other in turn to the first 8 bytes of guest RAM, until it is told to stop. */
import { workerData } from 'node:worker_threads';
import { Words } from '../../lib/arena/words.js';
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { GuestRam } from './guest-ram.js';

export interface StoringVcpu {
  readonly handle: ArenaHandle;
  readonly buffer: SharedArrayBuffer;
  /** Whether as two stores of 4 bytes. */
  readonly inHalves: boolean;
  /** A word that is not 0 when it is to stop. To terminate it in the middle of a 64-bit store ends the process on Node 24. */
  readonly stop: SharedArrayBuffer;
}

const { handle, buffer, inHalves, stop } = workerData as StoringVcpu;
const vcpu = attachVcpu(handle);
const ram = new GuestRam(vcpu, buffer, () => {});
const stopped = new Words(stop, 0, 1);
for (let ones = true; stopped.load(0) === 0; ones = !ones) {
  if (inHalves) {
    ram.store(0, 4, ones ? 2 ** 32 - 1 : 0);
    ram.store(4, 4, ones ? 2 ** 32 - 1 : 0);
  } else {
    ram.store(0, 8, ones ? 2n ** 64n - 1n : 0n);
  }
  vcpu.quiescent();
}
vcpu.detach();
