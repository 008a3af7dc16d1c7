import { expect } from 'chai';
import { type DirtyMemory, MIGRATION, UsageError, VGA } from '../../lib/index.js';
import { cleanAll, foreignVcpu, PAGE, reportUntil, smallEngine, turn } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

const HINT = 'not a guest physical address';

describe('a range that is not all RAM', () => {
  let memory: DirtyMemory;

  beforeEach(() => {
    memory = smallEngine();
  });

  it('is refused by an engine without RAM, which says so', () => {
    expectThrow(
      () => memory.setDirty(0x5000, VGA),
      RangeError,
      'setDirty: bytes 20480 (0x5000)',
      'no RAM is plugged',
      HINT,
    );
  });

  it('is refused with the RAM blocks beside the first page that is none', () => {
    memory.ram.plug({ id: 'low', size: 16 * PAGE, offset: 16 * PAGE });
    memory.ram.plug({ id: 'next', size: 16 * PAGE, offset: 32 * PAGE });
    memory.ram.plug({ id: 'high', size: 16 * PAGE, offset: 256 * PAGE });
    const between =
      "there is no RAM from 196608 (0x30000), the end of 'next', to 1048576 (0x100000), the beginning of 'high'";
    const ranges: [start: number, length: number, where: string][] = [
      [0, PAGE, "there is no RAM before 65536 (0x10000), the beginning of 'low'"],
      [0, 300 * PAGE, "there is no RAM before 65536 (0x10000), the beginning of 'low'"],
      [48 * PAGE, PAGE, between],
      [16 * PAGE, 256 * PAGE, between],
      [47 * PAGE, PAGE + 1, between],
      [272 * PAGE, 1, "RAM ends at 1114112 (0x110000), the end of 'high'"],
      [2 ** 40, 1, "RAM ends at 1114112 (0x110000), the end of 'high'"],
    ];
    for (const [start, length, where] of ranges) {
      const bytes = `bytes ${start} (0x${start.toString(16)}) to ${start + length} (0x${(start + length).toString(16)})`;
      const call = () => memory.setDirtyRange(start, length, 7);
      expectThrow(call, RangeError, `setDirtyRange: ${bytes} are not all RAM: ${where}.`, HINT);
    }
    const bits = new Uint8Array(8).fill(255);
    expectThrow(() => memory.setDirtyBitmap(bits, 16 * PAGE, 64), RangeError, 'setDirtyBitmap', between, HINT);
  });

  it('is refused by queries and clears when it reaches past the end of RAM', async () => {
    memory.ram.plug({ id: 'ram', size: 16 * PAGE });
    const parts = ['bytes 61440 (0xf000) to 69632 (0x11000) reach past the end of RAM, 65536 (0x10000)', HINT];
    expectThrow(() => memory.isDirty(15 * PAGE, 2 * PAGE, VGA), RangeError, ...parts);
    await expectReject(() => memory.snapshotAndClear(15 * PAGE, 2 * PAGE, VGA), RangeError, ...parts);
  });
});

describe('a range of no bytes', () => {
  it('may be asked about wherever it is', () => {
    const memory = smallEngine();
    expect(memory.isDirty(2 ** 40, 0, VGA)).to.equal(false);
    expect(memory.allDirty(2 ** 40, 0, VGA)).to.equal(true);
  });
});

describe('a bitmap to import', () => {
  let memory: DirtyMemory;
  const ones = new Uint8Array(2).fill(255);

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'first', size: 35 * PAGE, offset: 0 });
    memory.ram.plug({ id: 'second', size: 20 * PAGE, offset: 35 * PAGE });
    cleanAll(memory);
  });

  it('may reach past the block in which its last host page begins, when host pages are larger than pages', () => {
    expect(memory.setDirtyBitmap(ones, 0, 4, { hostPageSize: 16 * PAGE })).to.equal(55);
  });

  it('may not reach past RAM when its host pages are as large as pages', () => {
    const call = () => memory.setDirtyBitmap(ones, 45.5 * PAGE, 10, { hostPageSize: PAGE });
    expectThrow(call, RangeError, 'setDirtyBitmap', 'are not all RAM: RAM ends at');
    expect(memory.isDirty(0, 55 * PAGE, VGA)).to.equal(false);
  });
});

describe('a block to sync', () => {
  it('is refused once its page set was disposed of, before an earlier collection has ended', async () => {
    const memory = smallEngine();
    const block = memory.ram.plug({ id: 'ram', size: PAGE });
    const vcpu = foreignVcpu(memory);
    const order: string[] = [];
    const harvested = memory.harvest(MIGRATION).then(() => order.push('harvested'));
    block.pages.dispose();
    const why = "syncBitmap: the page set of 'ram' was disposed of";
    const refused = expectReject(() => memory.syncBitmap(block), UsageError, why).then(() => order.push('refused'));
    await turn();
    await reportUntil(vcpu, Promise.all([harvested, refused]));
    expect(order).to.deep.equal(['refused', 'harvested']);
  });
});
