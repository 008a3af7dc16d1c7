/** A process that saves again and again, until it is killed: goes on where the chain in the file ends. */
import { DirtyMemory } from '../../lib/index.js';
import { beginChain, continueChain, fileStore, restore, SaveStateError } from '../../lib/save-states/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { PAGE_SIZE, PAGES, storesOf } from './saved-stores.js';

const store = fileStore(process.argv[2] as string);
const compacting = process.argv[3] === 'compacting';
const memory = DirtyMemory.create({ pageSize: PAGE_SIZE });
const bytes = new Uint8Array(PAGES * PAGE_SIZE);
const machine = {
  memory,
  pageSize: PAGE_SIZE,
  contents: () => bytes,
  pause: () => {},
  resume: () => {},
  saveState: () => new Uint8Array(),
  plug: ({ id, size }: { id: string; size: number }) => {
    memory.ram.plug({ id, size });
    return bytes;
  },
  loadState: () => {},
};

const isThere = await restore({ ...machine, plug: ({ size }) => new Uint8Array(size) }, store).then(
  () => true,
  (error) => {
    if (error instanceof SaveStateError && error.reason === 'missing') return false;
    throw error;
  },
);
if (!isThere) memory.ram.plug({ id: 'dimm', size: bytes.length });
const chain = isThere ? await continueChain(machine, store) : await beginChain(machine, store);
const vcpu = attachVcpu(memory.handle);
for (let next = (chain.restored?.sequence ?? -1) + 1; ; next++) {
  for (const { addr, value } of storesOf(next)) {
    vcpu.mark(addr);
    bytes[addr] = value;
  }
  const { sequence } = await chain.save();
  process.stdout.write(`${sequence}\n`);
  if (compacting && sequence % 3 === 2) await chain.compact();
}
