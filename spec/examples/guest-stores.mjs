import assert from 'node:assert';
import { CODE, DirtyMemory, MIGRATION, VGA } from 'dirtymem';
import { attachVcpu } from 'dirtymem/vcpu';
import { GuestRam } from './guest-stores-ram.mjs';

const PAGE = 4096;
const memory = DirtyMemory.create();
const { size } = memory.ram.plug({ id: 'dimm0', size: 16 * PAGE });
const vcpu = attachVcpu(memory.handle);
const invalidated = [];
const buffer = new SharedArrayBuffer(size);
const ram = new GuestRam(vcpu, buffer, (addr, width) => invalidated.push([addr, width]));
const bytes = new DataView(buffer);

/** The pages that are dirty for each client since the last call. */
async function dirtyPages() {
  const pages = [];
  for (const client of [VGA, CODE, MIGRATION]) {
    const { set } = await memory.harvest(client);
    const pagesOf = ({ start, length }) => Array.from({ length: length / PAGE }, (_, i) => start / PAGE + i);
    pages.push([...set.runs()].flatMap(pagesOf));
    set.dispose();
  }
  return pages;
}

/** The access marks these pages, for every client, and no other. */
async function marks(pages, access) {
  const returned = access();
  assert.deepStrictEqual(await dirtyPages(), [pages, pages, pages]);
  return returned;
}

await dirtyPages(); // new RAM is all dirty
const values = { 1: 0x88, 2: 0x8877, 4: 0x88776655, 8: 0x8877665544332211n };
const read = (addr, width) => (width === 8 ? bytes.getBigUint64(addr, true) : bytes[`getUint${8 * width}`](addr, true));

for (const width of [1, 2, 4, 8]) {
  const value = values[width];
  const addr = 3 * PAGE + 64;
  await marks([3], () => ram.store(addr, width, value));
  assert.strictEqual(read(addr, width), value);
  await marks([3], () => ram.store(4 * PAGE - width, width, value)); // the last of its page

  const one = width === 8 ? 1n : 1;
  assert.strictEqual(await marks([3], () => ram.readModifyWrite('exchange', addr, width, one)), value);
  assert.strictEqual(await marks([3], () => ram.readModifyWrite('add', addr, width, one)), one);
  assert.strictEqual(read(addr, width), one + one);
  assert.strictEqual(await marks([3], () => ram.compareExchange(addr, width, one + one, value)), one + one);
  assert.strictEqual(await marks([3], () => ram.compareExchange(addr, width, one, one)), value); // it fails
  assert.strictEqual(read(addr, width), value);

  for (let into = 1; into < width; into++) {
    const across = 6 * PAGE - into;
    await marks([5, 6], () => ram.store(across, width, value));
    assert.strictEqual(read(across, width), value);
    await marks([], () => assert.throws(() => ram.readModifyWrite('add', across, width, one), RangeError));
  }
}

invalidated.length = 0;
ram.store(8 * PAGE - 2, 4, 1);
ram.store(8 * PAGE, 4, 1); // dirty already: nothing turns
assert.deepStrictEqual(invalidated, [[8 * PAGE - 2, 4]]);
vcpu.detach();
await memory.close();
console.log('stores of 1, 2, 4 and 8 bytes, read-modify-writes and compare-and-swaps mark their pages and no other');
