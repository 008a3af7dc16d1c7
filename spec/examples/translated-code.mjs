import assert from 'node:assert';
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { CODE, DirtyMemory } from 'dirtymem';
import { INC, instruction, JUMP, LOAD, LOOP, OUT, SET, STORE, WAIT } from './translated-code-machine.mjs';
import { CodePages } from './translated-code-pages.mjs';

const memory = DirtyMemory.create({ tracked: CODE });
const { size } = memory.ram.plug({ id: 'dimm0', size: 2 ** 16 });
const guest = new Uint8Array(new SharedArrayBuffer(size));

const [SELF, WRITER, RUNNER, FUNCTION, FLAG] = [0x1000, 0x2000, 0x3000, 0x4000, 0x5000];
const ROUNDS = 20;
const programs = {
  // Modifies the next instruction, in the block that is being executed.
  [SELF]: [[INC, 0, SELF + 5], [SET, 0], [OUT], [LOOP, ROUNDS, SELF], [JUMP, 0, 0]],
  // Modifies the other's function, then tells it: raises a flag and waits until the other has lowered it.
  [WRITER]: [
    [INC, 0, FUNCTION + 1],
    [STORE, 1, FLAG],
    [WAIT, 0, FLAG],
    [LOAD, 0, FUNCTION + 1],
    [LOOP, ROUNDS, WRITER],
    [JUMP, 0, 0],
  ],
  [RUNNER]: [
    [WAIT, 1, FLAG],
    [JUMP, 0, FUNCTION],
    [STORE, 0, FLAG], // where the function returns to
    [LOOP, ROUNDS, RUNNER],
    [JUMP, 0, 0],
  ],
  [FUNCTION]: [[SET, 0], [OUT], [JUMP, 0, RUNNER + 8]],
};
for (const [addr, program] of Object.entries(programs)) {
  guest.set(
    program.flatMap(([operation, value = 0, to = 0]) => instruction(operation, value, to)),
    Number(addr),
  );
}

const vcpus = [SELF, WRITER, RUNNER].map((entry) => {
  const { port1: port, port2 } = new MessageChannel();
  const mail = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { dirty: memory.handle, guest, port: port2, mail, entry };
  const worker = new Worker(new URL('./translated-code-vcpu.mjs', import.meta.url), {
    workerData,
    transferList: [port2],
  });
  memory.supervise(worker);
  return { port, mail, ended: once(worker, 'message') };
});
new CodePages(memory, vcpus);

const [self, , runner] = await Promise.all(vcpus.map(async ({ ended }) => (await ended)[0]));
const expected = Array.from({ length: ROUNDS }, (_, i) => i + 1);
assert.deepStrictEqual(self.out, expected); // never the instruction as it was when the block was translated
assert.deepStrictEqual(runner.out, expected); // never the function as it was before the flag was raised
assert(self.made >= ROUNDS && runner.made >= ROUNDS); // and each time it was translated, not interpreted
console.log(
  `${ROUNDS} modifications each: ${self.made} translations of a vCPU's own code, ${runner.made} of the other's`,
);
await memory.close();
