/** A vCPU's thread that stores all over its RAM as fast as it is let, and stands still when it is told to. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ArenaHandle } from '../../../lib/arena/arena.js';
import { Words } from '../../../lib/arena/words.js';
import { attachVcpu } from '../../../lib/vcpu.js';

export interface StoringWork {
  readonly handle: ArenaHandle;
  readonly control: SharedArrayBuffer;
  readonly guest: SharedArrayBuffer;
  /** Of the block that `guest` has the contents of. */
  readonly offset: number;
  readonly pageSize: number;
  /** Stores go to so many pages, in turn. */
  readonly pages: number;
}

/** Words of `control`. */
export const Pause = {
  Asked: 0,
  Standing: 1,
  /** Of a thousand, how much of its time it sleeps. */ Sleep: 2,
  size: 3,
} as const;

if (parentPort !== null) {
  const { handle, control, guest, offset, pageSize, pages } = workerData as StoringWork;
  const words = new Words(control, 0, Pause.size);
  const ram = new Int32Array(guest);
  const vcpu = attachVcpu(handle, { name: 'storing' });
  parentPort.postMessage('attached');
  for (let round = 1; ; round++) {
    for (let i = 0; i < 16; i++) {
      const at = ((round * 16 + i) % pages) * pageSize + ((round * 4) % pageSize);
      vcpu.mark(offset + at);
      ram[at / 4] = round;
    }
    vcpu.quiescent();
    const sleep = words.load(Pause.Sleep);
    if (sleep > 0) vcpu.offline(() => words.wait(Pause.Asked, 0, sleep / 100));
    if (words.load(Pause.Asked) === 0) continue;
    vcpu.offline(() => {
      words.store(Pause.Standing, 1);
      words.notify(Pause.Standing);
      while (words.load(Pause.Asked) !== 0) words.wait(Pause.Asked, 1, 1000);
      words.store(Pause.Standing, 0);
    });
  }
}
