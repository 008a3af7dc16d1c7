// Uses the package from a web page, without anything of Node. `new Worker(new URL(...))` is the form that bundlers
// recognize.
import { DirtyMemory, MIGRATION } from 'dirtymem';
import { beginChain, memoryStore, restore } from 'dirtymem/save-states';

export async function run(startThread) {
  const memory = DirtyMemory.create({ maxRamBytes: 2 ** 30 });
  memory.ram.plug({ id: 'dimm0', size: 2 ** 20 });
  (await memory.harvest(MIGRATION)).set.dispose();
  await startThread(memory.handle);
  const { set } = await memory.harvest(MIGRATION);
  const runs = [...set.runs()];
  set.dispose();
  await saveAndRestore(memory, runs);
  await memory.close();
  return runs;
}

/** The pages of the runs have something in them. */
async function saveAndRestore(memory, runs) {
  const ram = new Uint8Array(2 ** 20);
  for (const { start, length } of runs) ram.fill(7, start, start + length);
  const nothing = () => {};
  const store = memoryStore();
  const machine = { memory, contents: () => ram, pause: nothing, resume: nothing, saveState: () => new Uint8Array(3) };
  const chain = await beginChain(machine, store, { compress: true });
  await chain.save();
  const plugged = [];
  const plug = ({ size }) => plugged[plugged.push(new Uint8Array(size)) - 1];
  await restore({ pageSize: 4096, plug, loadState: nothing }, store);
  if (ram.some((byte, i) => byte !== plugged[0][i])) throw new Error('not what was saved');
  await chain.stop();
}

export function startWorker(handle) {
  const worker = new Worker(new URL('./page-vcpu.mjs', import.meta.url), { type: 'module' });
  worker.postMessage(handle);
  return new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }));
}

globalThis.page = { run, startWorker };
