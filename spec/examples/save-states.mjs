import assert from 'node:assert';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { DirtyMemory, MIGRATION } from 'dirtymem';
import { restore, SaveStates } from './save-states-chain.mjs';
import { statePath } from './save-states-file.mjs';

const [PAUSED, ENDED, STORES, STOPPED] = [0, 1, 2, 3];
const control = new Int32Array(new SharedArrayBuffer(16));
const scratch = await mkdtemp(join(tmpdir(), 'save-states-'));
const folder = join(scratch, 'disk');
await mkdir(folder);

const memory = DirtyMemory.create({ tracked: 0 }); // marks cost nothing until somebody wants them
const contents = new Map(); // a RAM block's id to its bytes
const collect = (into) => tracking.whileStopped.harvest({ into });
const states = new SaveStates({ memory, pageSize: 4096, contents, folder, stopped, collect });
let running = 2;
let moment; // what RAM was when the vCPUs were last stopped: for the checks alone
const saved = []; // the same, as each state has it

plug('dimm0', 4 * 2 ** 20).fill(1, 2 ** 21, 3 * 2 ** 20); // a kernel; the rest is zeroes
const vcpus = [0, 2 ** 20].map((first) => {
  const guest = contents.get('dimm0').buffer;
  const workerData = { dirty: memory.handle, control, guest, first, end: first + 2 ** 20 };
  const worker = new Worker(new URL('./save-states-vcpu.mjs', import.meta.url), { workerData });
  memory.supervise(worker);
  return once(worker, 'exit');
});

const tracking = await memory.track(MIGRATION, { name: 'save states' }); // all RAM is dirty: the first has it
await runAndSave();
await runAndSave();
plug('dimm1', 2 ** 20).fill(7, 5000, 9000);
await rename(folder, `${folder}, unplugged`);
await assert.rejects(runAndSave(), { code: 'ENOENT' });
await rename(`${folder}, unplugged`, folder);
await runAndSave();

Atomics.store(control, ENDED, 1);
await Promise.all(vcpus);
running = 0;
await states.save(); // what was stored last
saved.push(moment);
await tracking.stop();
assert(isSame(moment, contents));

const sizes = [];
for (let last = saved.length - 1; last >= 0; last--) {
  const { blocks } = await restore(folder);
  assert(isSame(new Map(blocks.map(({ id, bytes }) => [id, bytes])), saved[last]));
  const { size } = await stat(statePath(folder, last));
  sizes.unshift(`${Math.round(size / 1024)} KiB`);
  await truncate(statePath(folder, last), size - 1); // as if the process had been killed here: the one before counts
}
assert.strictEqual((await restore(folder)).end, 'torn');
console.log(`${saved.length} states restored to the byte: ${sizes.join(', ')}`);
await rm(scratch, { recursive: true });
await memory.close();

function plug(id, size) {
  contents.set(id, new Uint8Array(new SharedArrayBuffer(size)));
  memory.ram.plug({ id, size });
  return contents.get(id);
}

async function stopped(body) {
  Atomics.store(control, PAUSED, 1);
  try {
    while (Atomics.load(control, STOPPED) < running) await turn(); // each is offline, and stays so
    moment = contentsNow();
    return body();
  } finally {
    Atomics.store(control, PAUSED, 0);
    Atomics.notify(control, PAUSED);
    while (Atomics.load(control, STOPPED) > 0) await turn();
  }
}

async function runAndSave() {
  const target = Atomics.load(control, STORES) + 10_000;
  while (Atomics.load(control, STORES) < target) await turn();
  await states.save();
  saved.push(moment);
  const ram = new Int32Array(moment.get('dimm0').buffer);
  for (const first of [0, 2 ** 18]) assert.strictEqual(ram[first], ram[first + 2 ** 18 - 1], 'of one moment');
}

function contentsNow() {
  return new Map([...contents].map(([id, bytes]) => [id, bytes.slice()]));
}

function isSame(some, others) {
  return some.size === others.size && [...some].every(([id, bytes]) => Buffer.compare(bytes, others.get(id)) === 0);
}
