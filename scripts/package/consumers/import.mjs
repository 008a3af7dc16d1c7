// Uses the package from an ES module: two entry points and a thread; checks that no other path can be imported.
import assert from 'node:assert';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { DirtyMemory, MIGRATION } from 'dirtymem';

const memory = DirtyMemory.create({ maxRamBytes: 2 ** 30 });
assert.strictEqual(memory.stats().kernel, 'wasm');
const dimm = memory.ram.plug({ id: 'dimm0', size: 2 ** 20 });
(await memory.harvest(MIGRATION)).set.dispose();

const worker = new Worker(new URL('./import-vcpu.mjs', import.meta.url), { workerData: memory.handle });
memory.supervise(worker);
await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
const { set } = await memory.harvest(MIGRATION);
assert.deepStrictEqual([...set.runs()], [{ start: 8192, length: 4096 }]);
set.dispose();
await memory.ram.unplug(dimm);
await memory.close();

const { version } = createRequire(import.meta.url)('dirtymem/package.json');
assert.match(version, /^\d+\.\d+\.\d+/);
await assert.rejects(import('dirtymem/dist/lib/arena/words.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
console.log('marked');
