import assert from 'node:assert';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { DirtyMemory, MIGRATION } from 'dirtymem';
import { GuestRam } from 'dirtymem/guest';
import { attachVcpu } from 'dirtymem/vcpu';

const PAGE = 4096;
const LINK = 20_000; // pages a second that the connection takes
const DOWNTIME_PAGES = 500; // what may be left to send while the guest stands still: 25 ms

if (isMainThread) await migrate();
else runGuest();

/** Stores to one page after the other, as fast as it is let. */
function runGuest() {
  const { dirty, guest, stop } = workerData;
  const vcpu = attachVcpu(dirty, { name: 'vcpu0' });
  const ram = new GuestRam(vcpu, guest);
  let page = 0;
  for (let value = 1; Atomics.load(stop, 0) === 0; value++) {
    for (let i = 0; i < 16; i++) {
      ram.store8(page * PAGE, value);
      page = (page + 1) % (guest.length / PAGE);
    }
    vcpu.quiescent(); // sleeps here when it is ahead of its limit
  }
  vcpu.detach();
}

async function migrate() {
  const memory = DirtyMemory.create({ tracked: 0 });
  const dimm = memory.ram.plug({ id: 'dimm0', size: 32 * 2 ** 20 });
  const guest = new Uint8Array(new SharedArrayBuffer(dimm.size)); // by ram_addr: the block begins at 0
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: { dirty: memory.handle, guest, stop } });
  memory.supervise(worker);
  const exited = once(worker, 'exit');

  let before; // until the guest is busy. Nobody tracks MIGRATION yet: it is tracked while it is measured
  do before = await memory.measureDirtyRate({ windowMs: 100 });
  while (before.pagesPerSecond < LINK);
  console.log(`vCPUs dirty ${Math.round(before.pagesPerSecond)} pages/s, ${LINK} can be sent`);
  assert.strictEqual(memory.tracked, 0);

  const limit = LINK / 2; // each round will send half of what the one before did
  memory.limitDirtyRate(limit, { identity: before.readers[0].identity });
  const tracking = await memory.track(MIGRATION);
  const copy = new Uint8Array(dimm.size);
  const rate = memory.measureDirtyRate({ windowMs: 500 }); // goes on between the harvests
  const rounds = [];
  do rounds.push(await sendRound());
  while (rounds.at(-1) > DOWNTIME_PAGES);
  const { readers } = await rate;
  assert.strictEqual(readers[0].limit, limit);
  assert(readers[0].pagesPerSecond < 1.5 * limit); // 1.5: a slice more, in a short time

  Atomics.store(stop, 0, 1); // the guest is stopped: wake it first
  memory.limitDirtyRate(undefined);
  await exited;
  rounds.push(await sendRound());
  assert.deepStrictEqual(copy, new Uint8Array(guest), 'no page was lost');
  console.log(`pages sent: ${rounds.join(', ')}`);
  await tracking.stop();
  await memory.close();

  async function sendRound() {
    const { set, added } = await tracking.harvest();
    for (const { start, length } of set.runs()) copy.set(guest.subarray(start, start + length), start);
    set.dispose();
    await sleep((added / LINK) * 1000);
    return added;
  }
}
