// Uses the package from a web page, without anything of Node. `new Worker(new URL(...))` is the form that bundlers
// recognize.
import { DirtyMemory, MIGRATION } from 'dirtymem';

export async function run(startThread) {
  const memory = DirtyMemory.create({ maxRamBytes: 2 ** 30 });
  memory.ram.plug({ id: 'dimm0', size: 2 ** 20 });
  (await memory.harvest(MIGRATION)).set.dispose();
  await startThread(memory.handle);
  const { set } = await memory.harvest(MIGRATION);
  const runs = [...set.runs()];
  set.dispose();
  await memory.close();
  return runs;
}

export function startWorker(handle) {
  const worker = new Worker(new URL('./page-vcpu.mjs', import.meta.url), { type: 'module' });
  worker.postMessage(handle);
  return new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }));
}

globalThis.page = { run, startWorker };
