import assert from 'node:assert';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel, Worker } from 'node:worker_threads';
import { DirtyMemory, MIGRATION } from 'dirtymem';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

const MiB = 2 ** 20;
const [BELL, GIVEN] = [0, 1]; // words of the machine: rung to wake the halted; where the guest has a DIMM to use, or -1
const words = new Int32Array(new SharedArrayBuffer(8));
const memory = DirtyMemory.create();
const dimms = new Map(); // what each vCPU has, or finds at its port before its guest runs on
const vcpus = [];

function startVcpu(name) {
  const { port1: port, port2 } = new MessageChannel();
  const workerData = { dirty: memory.handle, words, name, port: port2 }; // no DIMM: a thread keeps its workerData
  const worker = new Worker(new URL('./hotplug-vcpu.mjs', import.meta.url), { workerData, transferList: [port2] });
  memory.supervise(worker);
  for (const dimm of dimms.values()) port.postMessage({ plugged: dimm });
  vcpus.push({ port, worker }); // in one step with those that are there: none is missed, none told twice
}

function tell(message) {
  for (const { port } of vcpus) port.postMessage(message);
  ring();
}

function ring() {
  Atomics.add(words, BELL, 1);
  Atomics.notify(words, BELL);
}

function plug(id, contents) {
  const block = memory.ram.plug({ id, size: contents.byteLength });
  const dimm = { id, offset: block.offset, contents };
  dimms.set(id, dimm);
  tell({ plugged: dimm });
  return block;
}

async function unplug(block) {
  dimms.delete(block.id);
  tell({ unplugged: block.id });
  await memory.ram.unplug(block); // waits for a grace period, too
}

/** Says so in a register, and waits until each vCPU's guest has seen it. */
async function giveToGuest(offset) {
  const answers = vcpus.map(({ port }) => once(port, 'message'));
  Atomics.store(words, GIVEN, offset);
  ring();
  await Promise.all(answers);
}

async function residentMiB() {
  const answers = vcpus.map(({ port }) => once(port, 'message'));
  tell({ collectGarbage: true });
  await Promise.all(answers);
  gc();
  gc(); // the second waits until the first has freed what it found
  return Math.round(process.memoryUsage.rss() / MiB);
}

Atomics.store(words, GIVEN, -1);
memory.ram.plug({ id: 'dimm0', size: MiB });
for (const name of ['busy', 'halted', 'forgetful']) startVcpu(name);
while (memory.stats().readersAttached < vcpus.length) await turn();

startVcpu('starting'); // hears of the DIMM when it attaches
const dimm1 = plug('dimm1', new SharedArrayBuffer(128 * MiB));
startVcpu('late'); // and so does this one
await memory.rcu.synchronize(); // each vCPU reads its port before the guest's next instruction
new Uint8Array(dimms.get('dimm1').contents).fill(1); // what is touched is resident
(await memory.harvest(MIGRATION)).set.dispose();
await giveToGuest(dimm1.offset);
const { set } = await memory.harvest(MIGRATION);
assert.strictEqual(set.pages, vcpus.length); // each stores to a page of its own
set.dispose();

await giveToGuest(-1);
await unplug(dimm1);
const held = await residentMiB(); // one vCPU has kept a view
tell({ forget: true });
const released = await residentMiB(); // no thread has one
assert(held - released > 100, `${held - released} MiB were released`);
console.log(`resident: ${held} MiB while a vCPU holds the DIMM, ${released} MiB then`);

tell({ end: true });
await Promise.all(vcpus.map(({ worker }) => once(worker, 'exit')));
await memory.close();
