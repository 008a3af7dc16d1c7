/** An owner on a thread that nothing but its engine keeps alive. Exits with 0 only when what it awaits has ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { DirtyMemory, VGA } from '../../lib/index.js';

/** What the owner does once the thread that started it has attached a reader. */
export type OwnerTask =
  | 'synchronize'
  | 'barrier'
  | 'harvest'
  | 'unplug'
  | 'close'
  | 'startPoll'
  | 'timeout'
  | 'abort'
  | 'closeTimeout';

const memory = DirtyMemory.create({ pagesPerBlock: 64, maxRamBytes: 2 ** 20, arenaBytes: 2 ** 18, stallMs: 600_000 });
const dimm = memory.ram.plug({ id: 'dimm', size: 4096 });

const tasks: Record<OwnerTask, () => unknown> = {
  synchronize: () => memory.rcu.synchronize(),
  barrier: () => memory.rcu.barrier(),
  harvest: () => memory.harvest(VGA),
  unplug: () => memory.ram.unplug(dimm),
  close: () => memory.close(),
  startPoll: () => void memory.rcu.startPoll(),
  timeout: () => memory.rcu.synchronize({ timeoutMs: 1 }).catch(() => {}),
  closeTimeout: () => memory.close({ timeoutMs: 1 }).catch(() => {}),
  abort: async () => {
    const controller = new AbortController();
    const wait = memory.rcu.synchronize({ signal: controller.signal });
    controller.abort();
    await wait.catch(() => {});
  },
};

parentPort?.postMessage(memory.handle);
await new Promise((resolve) => parentPort?.once('message', resolve));
const task = tasks[workerData as OwnerTask]();
parentPort?.postMessage('under way');
await task;
