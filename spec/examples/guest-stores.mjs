import assert from 'node:assert';
import { CODE, DirtyMemory, MIGRATION, VGA } from 'dirtymem';
import { auditStores, GuestRam } from 'dirtymem/guest';
import { attachVcpu } from 'dirtymem/vcpu';

const PAGE = 4096;
const memory = DirtyMemory.create();
const dimm0 = memory.ram.plug({ id: 'dimm0', size: 16 * PAGE });
const dimm1 = memory.ram.plug({ id: 'dimm1', size: PAGE, offset: 16 * PAGE }); // beside it
const contents = new Map([dimm0, dimm1].map((block) => [block, new Uint8Array(new SharedArrayBuffer(block.size))]));

const vcpu = attachVcpu(memory.handle);
const stale = []; // where translations are no good any more
const parts = [...contents].map(([{ offset }, bytes]) => ({ offset, contents: bytes }));
const ram = new GuestRam(vcpu, parts, { onCode: (start, length) => stale.push([start, length]) });

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
const audit = await auditStores(memory, (block) => contents.get(block));
assert.deepStrictEqual(await audit.check(), []); // copies all RAM

await marks([3], () => ram.store8(3 * PAGE, 0xff));
assert.strictEqual(ram.loadU8(3 * PAGE), 0xff);
assert.strictEqual(ram.loadS8(3 * PAGE), -1);
await marks([3], () => ram.store32(4 * PAGE - 4, 0x88776655));
await marks([5, 6], () => ram.store32(6 * PAGE - 2, 0x88776655)); // not aligned: two pages
await marks([15, 16], () => ram.store64(16 * PAGE - 3, 0x1122334455667788n)); // from one DIMM into the next
assert.strictEqual(ram.loadU64(16 * PAGE - 3), 0x1122334455667788n);
await marks([7], () => ram.storeF64(7 * PAGE, Math.PI));

assert.strictEqual(await marks([8], () => ram.readModifyWrite('exchange', 8 * PAGE, 32, 5)), 0);
assert.strictEqual(await marks([8], () => ram.compareExchange(8 * PAGE, 32, 5, 6)), 5);
assert.strictEqual(await marks([8], () => ram.compareExchange(8 * PAGE, 32, 5, 7)), 6); // it fails, and marks
await marks([], () => assert.throws(() => ram.readModifyWrite('add', 8 * PAGE + 1, 32, 1), RangeError));
await marks([], () => assert.throws(() => ram.store8(17 * PAGE, 1), RangeError)); // no RAM

await marks([9, 10], () => ram.fill(1, 10 * PAGE - 100, 200));
await marks([11], () => ram.copyWithin(11 * PAGE, 10 * PAGE - 100, 200));
await marks([12], () => ram.set(Uint8Array.of(1, 2, 3), 12 * PAGE));

stale.length = 0;
ram.store16(14 * PAGE - 1, 1);
ram.store16(14 * PAGE, 1); // dirty already: nothing turns
assert.deepStrictEqual(stale, [[13 * PAGE, 2 * PAGE]]);

assert.deepStrictEqual(await audit.check(), []); // every store was marked
contents.get(dimm0).fill(9, PAGE + 10, PAGE + 20); // a store path that somebody forgot
const [found] = await audit.check();
assert.deepStrictEqual(found, { block: dimm0, offset: PAGE, first: PAGE + 10, last: PAGE + 19 });

await audit.stop();
vcpu.detach();
await memory.close();
console.log(`stores of every kind mark; bytes ${found.first} to ${found.last} of '${found.block.id}' were not marked`);
