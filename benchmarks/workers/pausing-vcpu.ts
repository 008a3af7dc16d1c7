/** A vCPU that stores into pages of its own as fast as it can, and goes offline to stop when it is told to. */
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { threadData, workUntilStopped } from '../harness/threads.js';
import { PAGE_SIZE } from '../subjects/pages.js';
import { Pause } from '../subjects/pause.js';

export interface PausingVcpu {
  readonly handle: ArenaHandle;
  readonly guest: SharedArrayBuffer;
  /** Which pages, from the beginning of the guest's RAM. */
  readonly pages: Int32Array;
  readonly control: Int32Array;
  readonly pause: Int32Array;
}

const { handle, guest, pages, pause } = threadData<PausingVcpu>();
const PER_SLICE = 64;
const ram = new Int32Array(guest);
const vcpu = attachVcpu(handle, { name: 'pausing' });
let at = 0;
let value = 0;

function stand(): void {
  Atomics.store(pause, Pause.Standing, 1);
  Atomics.notify(pause, Pause.Standing);
  while (Atomics.load(pause, Pause.Asked) === 1) Atomics.wait(pause, Pause.Asked, 1);
  Atomics.store(pause, Pause.Standing, 0);
}

workUntilStopped(() => {
  for (let i = 0; i < PER_SLICE; i++) {
    const addr = (pages[at] as number) * PAGE_SIZE + ((value * 8) % PAGE_SIZE);
    vcpu.mark(addr);
    ram[addr >> 2] = ++value;
    at = at + 1 === pages.length ? 0 : at + 1;
  }
  vcpu.quiescent();
  if (Atomics.load(pause, Pause.Asked) === 1) vcpu.offline(stand);
});
vcpu.detach();
