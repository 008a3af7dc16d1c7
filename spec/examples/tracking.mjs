import assert from 'node:assert';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { DirtyMemory, MIGRATION, VGA } from 'dirtymem';
import { GuestRam } from 'dirtymem/guest';
import { attachVcpu } from 'dirtymem/vcpu';

const PAGE = 4096;
const SIZE = 256 * PAGE;

if (isMainThread) await owner();
else vcpu();

async function owner() {
  // The display is refreshed all the time; nobody needs the others' bits yet.
  const memory = DirtyMemory.create({ pageSize: PAGE, tracked: VGA });
  memory.ram.plug({ id: 'ram', size: SIZE });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const guest = new SharedArrayBuffer(SIZE);
  const worker = new Worker(new URL(import.meta.url), { workerData: { dirty: memory.handle, guest, stop } });
  memory.supervise(worker);
  const exited = once(worker, 'exit');
  await once(worker, 'message');

  await assert.rejects(memory.harvest(MIGRATION), { name: 'UsageError' });
  assert(memory.isDirty(0, PAGE, MIGRATION)); // as far as anybody knows

  const replica = new Uint8Array(SIZE);
  const tracking = await memory.track(MIGRATION); // now every vCPU marks for it
  const set = memory.createPageSet();
  const collect = async () => {
    const { added } = await tracking.harvest({ into: set });
    for (const { start, length } of set.runs()) replica.set(new Uint8Array(guest, start, length), start);
    set.delete(0, SIZE);
    return added;
  };
  assert.strictEqual(await collect(), SIZE / PAGE); // all RAM is dirty at the start
  for (let round = 0; round < 10; round++) await collect();

  const backup = await memory.track(MIGRATION, { name: 'backup' }); // a second user, which has seen nothing yet
  assert.strictEqual(backup.pending, SIZE / PAGE);
  assert.strictEqual(tracking.pending, 0); // the first notices nothing
  await collect();
  (await backup.harvest()).set.dispose(); // has what the first has collected, too
  await backup.stop(); // ends nothing for the first

  Atomics.store(stop, 0, 1);
  await exited;
  await collect();
  assert.deepStrictEqual(replica, new Uint8Array(guest.slice(0)));
  set.dispose();

  const before = memory.stats().arenaBytesInUse;
  await tracking.stop(); // the last one: its bitmaps are given back
  console.log(`${(before - memory.stats().arenaBytesInUse) / 1024} KiB of bitmaps are free again`);
  assert.strictEqual(memory.tracked, VGA);
  await memory.close();
}

function vcpu() {
  const reader = attachVcpu(workerData.dirty, { name: 'vcpu0' });
  const ram = new GuestRam(reader, workerData.guest);
  parentPort.postMessage('attached');
  for (let i = 0; Atomics.load(workerData.stop, 0) === 0; i++) {
    ram.store8((i * 4099) % SIZE, i); // marks for the clients that are tracked
    if (i % 50 === 0) reader.quiescent(); // here it learns who is tracked
  }
  reader.detach();
}
