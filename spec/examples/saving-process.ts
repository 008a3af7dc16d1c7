/** A process that saves again and again, until it is killed: goes on where the chain in the folder ends. */
import { DirtyMemory } from '../../lib/index.js';
import { attachVcpu, MIGRATION } from '../../lib/vcpu.js';
import { restore, SaveStates } from './save-states-chain.mjs';
import { PAGE_SIZE, PAGES, storesOf } from './saved-stores.js';

const folder = process.argv[2] as string;
const memory = DirtyMemory.create({ pageSize: PAGE_SIZE });
const bytes = new Uint8Array(PAGES * PAGE_SIZE);
memory.ram.plug({ id: 'dimm', size: bytes.length });
const { blocks, next } = await restore(folder);
for (const block of blocks) bytes.set(block.bytes);
if (blocks.length > 0) memory.whileStopped.harvest(MIGRATION).set.dispose();

const vcpu = attachVcpu(memory.handle);
const saver = new SaveStates({
  memory,
  pageSize: PAGE_SIZE,
  contents: new Map([['dimm', bytes]]),
  folder,
  next,
  stopped: (body) => body(),
  collect: (into) => memory.whileStopped.harvest(MIGRATION, { into }),
});
for (let { sequence } = next; ; sequence++) {
  for (const { addr, value } of storesOf(sequence)) {
    vcpu.mark(addr);
    bytes[addr] = value;
  }
  await saver.save();
  process.stdout.write(`${sequence}\n`);
}
