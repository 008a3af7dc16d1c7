/**
 * What `npm run check:runtimes` has every runtime do with the built package, whatever it knows of a thread's end: two
 * vCPUs store and mark while the owner collects and copies. Then one detaches and the other only says that it is done,
 * and is retired by its identity. With the argument `broken` stores to every 16th page are not marked. Prints pages and differences;
 * exit status 1 when the copy differs.
 */
import { once } from 'node:events';
import process from 'node:process';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { DirtyMemory, MIGRATION } from '../../dist/lib/index.js';
import { attachVcpu } from '../../dist/lib/vcpu.js';

const PAGE = 4096;
const PAGES = 512;
const ROUNDS = 100;

if (isMainThread) await own(process.argv[2] === 'broken');
else runVcpu(workerData);

async function own(broken) {
  const memory = DirtyMemory.create({ maxRamBytes: PAGES * PAGE, maxReaders: 2, pagesPerBlock: PAGES });
  memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
  const guest = new Int32Array(new SharedArrayBuffer(PAGES * 4));
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const copy = new Int32Array(PAGES);
  let pages = 0;
  const collect = async () => {
    const { set } = await memory.harvest(MIGRATION, { timeoutMs: 60_000 });
    for (const { start, length } of set) {
      for (let page = start / PAGE; page < (start + length) / PAGE; page++) copy[page] = guest[page];
      pages += length / PAGE;
    }
    set.dispose();
  };
  const workers = [1, 2].map(
    (identity) =>
      new Worker(new URL(import.meta.url), {
        workerData: { handle: memory.handle, guest, stop, identity, detaches: identity === 1, broken },
      }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  for (let round = 0; round < ROUNDS; round++) await collect();
  const done = workers.map((worker) => once(worker, 'message'));
  Atomics.store(stop, 0, 1);
  await Promise.all(done);
  const left = memory.stats().readersAttached;
  memory.retire(2);
  await collect();
  const differing = copy.reduce((sum, value, page) => sum + (value === guest[page] ? 0 : 1), 0);
  const { kernel, readersAttached } = memory.stats();
  await memory.close();
  console.log(JSON.stringify({ kernel, pages, differing, left, retired: left - readersAttached }));
  if (differing > 0 || pages < PAGES + ROUNDS || left !== 1 || readersAttached !== 0) process.exitCode = 1;
  for (const worker of workers) await worker.terminate();
}

/** In a thread that it leaves when it is told to. */
function runVcpu({ handle, guest, stop, identity, detaches, broken }) {
  const vcpu = attachVcpu(handle, { name: `vcpu${identity}`, identity });
  parentPort.postMessage('attached');
  while (Atomics.load(stop, 0) === 0) {
    const page = (Math.random() * PAGES) | 0;
    if (!broken || page % 16 !== 0) vcpu.mark(page * PAGE);
    Atomics.add(guest, page, identity);
    vcpu.quiescent();
  }
  if (detaches) vcpu.detach();
  parentPort.postMessage('done');
}
