import assert from 'node:assert';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DirtyMemory } from 'dirtymem';
import { migrate } from 'dirtymem/migration';
import { fileArbiter } from './migration-arbiter.mjs';

const memory = DirtyMemory.create({ tracked: 0 }); // a migration tracks for itself, while it lasts
const dimm = memory.ram.plug({ id: 'dimm0', size: 16 * 2 ** 20 });
const guest = new SharedArrayBuffer(dimm.size);
const control = new Int32Array(new SharedArrayBuffer(8));
const [STOP, STANDING] = [0, 1];
const worker = new Worker(new URL('./migration-vcpu.mjs', import.meta.url), {
  workerData: { dirty: memory.handle, guest, control },
});
memory.supervise(worker);
while (new Int32Array(guest)[0] === 0) await new Promise((resolve) => setImmediate(resolve));

const machine = {
  memory,
  contents: () => new Uint8Array(guest), // of the one block there is
  async pause() {
    Atomics.store(control, STOP, 1);
    while (Atomics.load(control, STANDING) === 0) await new Promise((resolve) => setImmediate(resolve));
  },
  resume() {
    Atomics.store(control, STOP, 0);
    Atomics.notify(control, STOP);
  },
  saveState: () => new TextEncoder().encode('one vCPU'),
};

const folder = mkdtempSync(join(tmpdir(), 'migration-'));
const arbiter = fileArbiter(join(folder, 'winner'));
const process2 = fork(new URL('./migration-destination.mjs', import.meta.url), [join(folder, 'winner')]);
const ended = once(process2, 'exit');
const [port] = await once(process2, 'message');
const socket = connect(port, '127.0.0.1');
await once(socket, 'connect');

const migration = migrate(machine, socket, { downtimeMs: 300, verify: true, arbiter });
const countsOn = once(process2, 'message'); // in the other process the guest goes on where it stands still in this one
const phases = new Set();
migration.on('progress', ({ phase }) => phases.add(phase));
const { rounds, verified, confirmed } = await migration.result; // a rejection would mean: the machine is still here
assert(rounds >= 2 && verified && confirmed);
assert.deepStrictEqual([...phases], ['copying', 'switching', 'deciding']);
await countsOn;

await Promise.all([ended, once(worker, 'exit'), worker.terminate()]);
await memory.close();
rmSync(folder, { recursive: true });
console.log('the guest counts on in another process');
