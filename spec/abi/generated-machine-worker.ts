/** A thread of generated code that stores as fast as it is let, and stands still when it is told to. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ArenaHandle } from '../../lib/arena/arena.js';
import { Words } from '../../lib/arena/words.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { GeneratedVcpu } from './generated-vcpu.js';

export interface GeneratedMachineWork {
  readonly handle: ArenaHandle;
  readonly module: WebAssembly.Module;
  readonly control: SharedArrayBuffer;
  /** Of guest RAM that are stored to. */
  readonly pages: number;
  readonly writeTlb: number;
}

/** Words of `control`. */
export const Pause = { Asked: 0, Standing: 1, size: 2 } as const;

/** So few that it soon sees that it has to stand still. */
const INTERVALS = 20;

if (parentPort !== null) {
  const { handle, module, control, pages, writeTlb } = workerData as GeneratedMachineWork;
  const words = new Words(control, 0, Pause.size);
  const { vcpu, code } = new GeneratedVcpu(handle, module, attachVcpu(handle, { name: 'generated' }), { writeTlb });
  code.seed(1);
  parentPort.postMessage('attached');
  for (;;) {
    code.run(INTERVALS, pages);
    if (words.load(Pause.Asked) === 0) continue;
    vcpu.offline(() => {
      words.store(Pause.Standing, 1);
      words.notify(Pause.Standing);
      while (words.load(Pause.Asked) !== 0) words.wait(Pause.Asked, 1, 1000);
      words.store(Pause.Standing, 0);
    });
  }
}
