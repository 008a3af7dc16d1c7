import assert from 'node:assert';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { DirtyMemory } from 'dirtymem';
import { beginChain, fileStore, restore } from 'dirtymem/save-states';

const [PAUSED, ENDED, STORES, STOPPED] = [0, 1, 2, 3]; // of STOPPED a word for each vCPU
const control = new Int32Array(new SharedArrayBuffer(20));
const folder = await mkdtemp(join(tmpdir(), 'save-states-'));
const file = join(folder, 'machine.states');

const memory = DirtyMemory.create({ tracked: 0 }); // marks cost nothing until somebody wants them
const contents = new Map(); // a RAM block's id to its bytes
const alive = new Set([0, 1]); // the vCPUs whose threads have not ended: one that is killed stops nobody from pausing
const isStopped = (vcpu) => Atomics.load(control, STOPPED + vcpu) === 1;
let moment; // what RAM was when the vCPUs were last stopped: for the checks alone
const saved = []; // the same, as each state has it

const machine = {
  memory,
  contents: ({ id }) => contents.get(id),
  async pause() {
    Atomics.store(control, PAUSED, 1);
    while ([...alive].some((vcpu) => !isStopped(vcpu))) await turn(); // each is offline, and stays so
  },
  async resume() {
    Atomics.store(control, PAUSED, 0);
    Atomics.notify(control, PAUSED);
    while ([...alive].some(isStopped)) await turn();
  },
  saveState() {
    moment = new Map([...contents].map(([id, bytes]) => [id, bytes.slice()]));
    return Uint8Array.of(saved.length); // of a real machine: registers, devices
  },
};

plug('dimm0', 4 * 2 ** 20).fill(1, 2 ** 21, 3 * 2 ** 20); // a kernel; the rest is zeroes
const vcpus = [0, 2 ** 20].map((first, vcpu) => {
  const guest = contents.get('dimm0').buffer;
  const workerData = { dirty: memory.handle, control, vcpu, guest, first, end: first + 2 ** 20 };
  const worker = new Worker(new URL('./save-states-vcpu.mjs', import.meta.url), { workerData });
  memory.supervise(worker);
  return once(worker, 'exit').then(() => alive.delete(vcpu)); // `supervise` has retired its reader by then
});

const chain = await beginChain(machine, fileStore(file)); // all RAM is dirty: the first state has it
await runAndSave();
await runAndSave();
plug('dimm1', 2 ** 20).fill(7, 5000, 9000);
await assert.rejects(chain.save({ signal: AbortSignal.abort() })); // its pages are in the next one
await runAndSave();

Atomics.store(control, ENDED, 1);
await Promise.all(vcpus);
await save(); // what was stored last

for (const [sequence, image] of saved.entries()) await expectRestored(image, { sequence });
await copyFile(file, `${file}.cut`);
await truncate(`${file}.cut`, chain.bytes - 1); // as if the process had been killed here: the one before counts
assert.strictEqual((await expectRestored(saved.at(-2), {}, `${file}.cut`)).end, 'cut');
const { bytes } = chain;
await chain.compact();
await expectRestored(saved.at(-1));
console.log(`${saved.length} states restored to the byte: ${bytes} bytes, and ${chain.bytes} the last alone`);
await chain.stop();
await rm(folder, { recursive: true });
await memory.close();

function plug(id, size) {
  contents.set(id, new Uint8Array(new SharedArrayBuffer(size)));
  memory.ram.plug({ id, size });
  return contents.get(id);
}

async function runAndSave() {
  const target = Atomics.load(control, STORES) + 10_000;
  while (Atomics.load(control, STORES) < target) await turn();
  await save();
  const ram = new Int32Array(moment.get('dimm0').buffer);
  for (const first of [0, 2 ** 18]) assert.strictEqual(ram[first], ram[first + 2 ** 18 - 1], 'of one moment');
}

async function save() {
  await chain.save();
  saved.push(moment);
}

async function expectRestored(image, options, path = file) {
  const ram = new Map();
  const plug = ({ id, size }) => ram.set(id, new Uint8Array(size)).get(id);
  const restored = await restore({ pageSize: 4096, plug, loadState: () => {} }, fileStore(path), options);
  assert.deepStrictEqual([...ram.keys()], [...image.keys()]);
  for (const [id, bytes] of ram) assert.strictEqual(Buffer.compare(bytes, image.get(id)), 0);
  return restored;
}
