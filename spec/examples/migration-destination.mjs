// The process to which the machine goes.
import assert from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { DirtyMemory } from 'dirtymem';
import { receive } from 'dirtymem/migration';
import { fileArbiter } from './migration-arbiter.mjs';

const memory = DirtyMemory.create({ tracked: 0 }); // nobody wants to know yet what the guest dirties here
const control = new Int32Array(new SharedArrayBuffer(8));
let guest;
let worker;

const machine = {
  pageSize: memory.pageSize,
  plug({ id, offset, size }) {
    memory.ram.plug({ id, offset, size });
    guest = new SharedArrayBuffer(size); // all zero
    return new Uint8Array(guest);
  },
  async unplug(id) {
    await memory.ram.unplug(memory.ram.get(id));
  },
  loadState(state) {
    assert.strictEqual(new TextDecoder().decode(state), 'one vCPU');
  },
  start() {
    worker = new Worker(new URL('./migration-vcpu.mjs', import.meta.url), {
      workerData: { dirty: memory.handle, guest, control },
    });
    memory.supervise(worker);
  },
  async discard() {
    await memory.close();
  },
};

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
process.send(server.address().port);
const [socket] = await once(server, 'connection');
server.close();

await receive(machine, socket, { arbiter: fileArbiter(process.argv[2]) });
const arrivedAt = new Int32Array(guest)[0];
while (new Int32Array(guest)[0] < arrivedAt + 1000) await new Promise((resolve) => setImmediate(resolve));
process.send('it counts on');
const ended = once(worker, 'exit');
worker.terminate();
await ended;
await memory.close();
process.disconnect();
