// An ES module's use of the package: the doors, a thread, and nothing that is not offered.
import assert from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DirtyMemory, MIGRATION } from 'dirtymem';
import { beginChain, fileStore, restore } from 'dirtymem/save-states';

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

const folder = await mkdtemp(join(tmpdir(), 'dirtymem-states-'));
const ram = new Uint8Array(dimm.size).fill(7, 8192, 8193);
const nothing = () => {};
const machine = { memory, contents: () => ram, pause: nothing, resume: nothing, saveState: () => new Uint8Array(3) };
const chain = await beginChain(machine, fileStore(join(folder, 'machine.states')));
await chain.save();
const bytes = new Uint8Array(dimm.size);
await restore({ pageSize: 4096, plug: () => bytes, loadState: nothing }, fileStore(join(folder, 'machine.states')));
assert.deepStrictEqual(bytes, ram);
await chain.stop();
await rm(folder, { recursive: true });
await memory.ram.unplug(dimm);
await memory.close();

const { version } = createRequire(import.meta.url)('dirtymem/package.json');
assert.match(version, /^\d+\.\d+\.\d+/);
await assert.rejects(import('dirtymem/dist/lib/arena/words.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
console.log('marked');
