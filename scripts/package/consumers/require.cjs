// Uses the package from a CommonJS module. The same file is also the thread.
const assert = require('node:assert');
const { isMainThread, Worker, workerData } = require('node:worker_threads');

async function own() {
  const { DirtyMemory, MIGRATION } = require('dirtymem');
  const memory = DirtyMemory.create({ maxRamBytes: 2 ** 30 });
  assert.strictEqual(memory.stats().kernel, 'wasm');
  memory.ram.plug({ id: 'dimm0', size: 2 ** 20 });
  (await memory.harvest(MIGRATION)).set.dispose();
  const worker = new Worker(__filename, { workerData: memory.handle });
  memory.supervise(worker);
  await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
  const { set } = await memory.harvest(MIGRATION);
  assert.deepStrictEqual([...set.runs()], [{ start: 8192, length: 4096 }]);
  set.dispose();
  await memory.close();
  console.log('marked');
}

function mark() {
  const { attachVcpu } = require('dirtymem/vcpu');
  const vcpu = attachVcpu(workerData, { name: 'vcpu0' });
  vcpu.mark(2 * 4096);
  vcpu.detach();
}

if (isMainThread) own();
else mark();
