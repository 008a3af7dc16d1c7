import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import type { Words } from '../../lib/arena/words.js';
import { AtomicsKernel } from '../../lib/bitmap/atomics-kernel.js';
import { DirtyMemory, openEngine } from '../../lib/dirty-memory.js';
import { CODE, MIGRATION, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import {
  CLIENTS,
  cleanAll,
  describeEngines,
  dirtyPages,
  PAGE,
  pagesOf,
  range,
  smallEngine,
} from '../support/engines.js';

/** Byte offsets and lengths whose ends lie around the edges of words and bitmap blocks of 64 pages. */
const EDGES = [0, 1, 31, 32, 33, 63, 64, 65, 95, 96, 97, 127, 128, 129].flatMap((page) =>
  [-1, 0, 1].map((byte) => page * PAGE + byte),
);

function cleanEngine(pages: number, offset = 0): DirtyMemory {
  const memory = smallEngine();
  memory.ram.plug({ id: 'ram', size: pages * PAGE, offset: offset * PAGE });
  cleanAll(memory);
  return memory;
}

describeEngines('regressions: bitmap arithmetic', () => {
  describe('QEMU 88c73d16: a search was handed (offset, length) where it takes (size, offset)', () => {
    it('every query of a range around word and block edges is right, with one page dirty or one page clean', () => {
      for (const one of [0, 31, 32, 63, 64, 65, 128]) {
        const dirty = cleanEngine(130);
        dirty.setDirty(one * PAGE, CODE);
        const clean = cleanEngine(130);
        clean.setDirtyRange(0, 130 * PAGE, 7);
        clean.whileStopped.testAndClear(one * PAGE, 1, CODE);
        const readers = [attachVcpu(dirty.handle), attachVcpu(clean.handle)] as const;
        for (const start of EDGES) {
          for (const end of EDGES) {
            if (start < 0 || end < start) continue;
            const length = end - start;
            const touched = length > 0 && Math.floor(start / PAGE) <= one && one <= Math.floor((end - 1) / PAGE);
            const answers = [
              dirty.isDirty(start, length, CODE),
              readers[0].isDirty(start, length, CODE),
              !clean.allDirty(start, length, CODE),
              !readers[1].allDirty(start, length, CODE),
              clean.includesClean(start, length, 7) === 2,
              readers[1].includesClean(start, length, 7) === 2,
            ];
            if (answers.some((answer) => answer !== touched)) {
              expect(answers, `page ${one}, bytes ${start} to ${end}`).to.deep.equal(answers.map(() => touched));
            }
          }
        }
      }
    });

    it('what a query reads is bounded by the range it is asked for, not by the bitmap', () => {
      let accesses = 0;
      const counted = (words: Words): Words =>
        new Proxy(words, {
          get(target, name) {
            const member = Reflect.get(target, name, target);
            if (typeof member !== 'function') return member;
            return (...args: unknown[]) => {
              accesses++;
              return member.apply(target, args);
            };
          },
        });
      const parts = { kernel: ({ words }: Arena) => new AtomicsKernel(counted(words)) };
      const { memory } = openEngine({ maxRamBytes: 2 ** 36, pagesPerBlock: 2 ** 21 }, parts);
      memory.ram.plug({ id: 'ram', size: 2 ** 36 });
      const dirtyEverywhere = memory.whileStopped.snapshotAndClear(0, 2 ** 36, CODE);
      expect(dirtyEverywhere.pages).to.equal(2 ** 24);
      const [start, length] = [2 ** 35 + 5 * PAGE, 64 * PAGE];
      for (const query of [
        () => memory.isDirty(start, length, CODE),
        () => memory.allDirty(start, length, VGA),
        () => memory.includesClean(start, length, 7),
        () => memory.whileStopped.testAndClear(start, length, CODE),
        () => dirtyEverywhere.has(start, length),
      ]) {
        accesses = 0;
        query();
        expect(accesses, String(query)).to.be.within(1, 20);
      }
    });
  });

  it("QEMU 084140bd: a block's base was not added: a RAM block at a base that is not zero is synced", async () => {
    const memory = cleanEngine(10);
    const block = memory.ram.plug({ id: 'high', size: 100 * PAGE, offset: 777 * PAGE });
    await memory.syncBitmap(block);
    block.pages.delete(0, 4096 * PAGE);
    attachVcpu(memory.handle).mark(800 * PAGE);
    expect(await memory.syncBitmap(block)).to.equal(1);
    expect([...block.pages.runs()]).to.deep.equal([{ start: 800 * PAGE, length: PAGE }]);
  });

  it('QEMU f70d3451, aa777e29, 801110ab: whole words were taken: of two RAM blocks in one word one is synced', async () => {
    const memory = smallEngine();
    const blocks = [
      [0, 7],
      [7, 1],
      [8, 90],
      [98, 30],
    ].map(([first = 0, pages = 0]) => memory.ram.plug({ id: `at ${first}`, size: pages * PAGE, offset: first * PAGE }));
    for (const block of blocks) {
      const others = dirtyPages(memory, MIGRATION).filter((page) => memory.ram.find(page * PAGE) !== block);
      expect(await memory.syncBitmap(block)).to.equal(block.size / PAGE);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal(others);
      expect(block.pages.pages).to.equal(block.size / PAGE);
      expect([...block.pages.runs()]).to.deep.equal([{ start: block.offset, length: block.size }]);
      expect(await memory.syncBitmap(block)).to.equal(0);
    }
    for (const block of blocks) memory.setDirtyRange(block.offset, block.size, 4);
    const [, , third] = blocks;
    third?.pages.delete(10 * PAGE, 3 * PAGE);
    expect(await memory.syncBitmap(third!), 'as many as are new').to.equal(3);
    expect(third?.pages.pages).to.equal(90);
  });

  it('QEMU a725ef9f: divided where it should round up: a RAM block of one page is synced and harvested', async () => {
    for (const offset of [0, 31, 63, 64]) {
      const memory = smallEngine();
      const block = memory.ram.plug({ id: 'one page', size: PAGE, offset: offset * PAGE });
      expect(await memory.syncBitmap(block)).to.equal(1);
      expect((await memory.harvest(VGA)).set.pages).to.equal(1);
      expect(memory.setDirtyBitmap(new Uint8Array([1]), offset * PAGE, 1)).to.equal(1);
      expect(await memory.syncBitmap(block)).to.equal(0);
      expect(await memory.testAndClear(offset * PAGE, 1, CODE)).to.equal(true);
    }
  });

  describe('QEMU 1eb3fc0a, 301d7ffe, e0a8f993: page sizes of host and target that differ', () => {
    const bits = new Uint8Array([0b10000011, 0b00100000]);

    it('half a page a bit: an odd tail marks the page it begins', () => {
      const memory = cleanEngine(8);
      expect(memory.setDirtyBitmap(bits, 0, 15, { hostPageSize: PAGE / 2 })).to.equal(3);
      expect(dirtyPages(memory, VGA)).to.deep.equal([0, 3, 6]);
    });

    it('one page a bit, from an odd page on', () => {
      const memory = cleanEngine(40);
      expect(memory.setDirtyBitmap(bits, 21 * PAGE, 14)).to.equal(4);
      expect(dirtyPages(memory, VGA)).to.deep.equal([21, 22, 28, 34]);
    });

    it('sixteen pages a bit: RAM that ends within the last host page has its own pages marked, and no others', () => {
      const memory = smallEngine();
      memory.ram.plug({ id: 'odd', size: 35 * PAGE });
      memory.ram.plug({ id: 'next', size: 20 * PAGE, offset: 35 * PAGE });
      cleanAll(memory);
      expect(memory.setDirtyBitmap(new Uint8Array([0b101]), 0, 3, { hostPageSize: 16 * PAGE })).to.equal(19);
      for (const client of CLIENTS) {
        expect(dirtyPages(memory, client)).to.deep.equal([...range(0, 16), 32, 33, 34]);
      }
    });

    it('a bitmap that is larger than the RAM is refused whole, and marks nothing', () => {
      const memory = cleanEngine(35);
      const call = () => memory.setDirtyBitmap(new Uint8Array([0b1111]), 0, 4, { hostPageSize: 16 * PAGE });
      expect(call).to.throw(RangeError, 'setDirtyBitmap');
      expect(dirtyPages(memory, VGA)).to.deep.equal([]);
    });
  });

  it('QEMU 25aa6b37: only the last page was told of: what a clear returns is all that it cleared', async () => {
    const memory = cleanEngine(200);
    const pages = [3, 4, 63, 64, 65, 128, 199];
    for (const page of pages) memory.setDirty(page * PAGE, CODE);
    const set = await memory.snapshotAndClear(3 * PAGE, 196 * PAGE, CODE);
    expect(pagesOf(set)).to.deep.equal(pages.slice(0, -1));
    expect(dirtyPages(memory, CODE)).to.deep.equal([199]);
  });

  it('QEMU 84516e5b, 4054adbd: a clear went past its range: the neighbours of any cleared range stay dirty', () => {
    for (const first of [1, 31, 32, 33, 62, 63, 64, 65]) {
      for (const end of [33, 64, 65, 66, 127, 128, 129, 130]) {
        if (end <= first) continue;
        const memory = smallEngine();
        memory.ram.plug({ id: 'one', size: 70 * PAGE });
        memory.ram.plug({ id: 'two', size: 130 * PAGE, offset: 70 * PAGE });
        expect(memory.whileStopped.testAndClear(first * PAGE, (end - first) * PAGE, VGA)).to.equal(true);
        expect(dirtyPages(memory, VGA)).to.deep.equal([...range(0, first), ...range(end, 200)]);
        expect(dirtyPages(memory, CODE)).to.deep.equal(range(0, 200));
      }
    }
  });

  describe('never fixed upstream', () => {
    it("a bitmap's bits past its pages were imported", () => {
      for (const pages of [1, 7, 31, 32, 33, 63, 65, 100]) {
        const memory = cleanEngine(128);
        expect(memory.setDirtyBitmap(new Uint8Array(16).fill(255), 5 * PAGE, pages)).to.equal(pages);
        expect(dirtyPages(memory, MIGRATION)).to.deep.equal(range(5, 5 + pages));
      }
    });

    it('a snapshot rounded its range outwards and cleared what nobody had asked for', async () => {
      const memory = smallEngine();
      memory.ram.plug({ id: 'ram', size: 200 * PAGE });
      const set = await memory.snapshotAndClear(65 * PAGE + 7, 33 * PAGE, VGA);
      expect(pagesOf(set)).to.deep.equal(range(65, 99));
      expect(dirtyPages(memory, VGA)).to.deep.equal([...range(0, 65), ...range(99, 200)]);
    });

    it('the bits of a RAM block that was removed went stale', async () => {
      const memory = smallEngine();
      memory.ram.plug({ id: 'stays', size: 10 * PAGE });
      const gone = memory.ram.plug({ id: 'gone', size: 10 * PAGE, offset: 10 * PAGE });
      memory.ram.plug({ id: 'end', size: 10 * PAGE, offset: 20 * PAGE });
      await memory.ram.unplug(gone);
      expect(memory.isDirty(10 * PAGE, 10 * PAGE, VGA)).to.equal(false);
      expect(attachVcpu(memory.handle).isDirty(10 * PAGE, 10 * PAGE, VGA)).to.equal(false);
      expect(pagesOf((await memory.harvest(VGA)).set)).to.deep.equal([...range(0, 10), ...range(20, 30)]);
    });
  });

  describe('numbers that are negative as 32-bit integers', () => {
    it('1 << 31: the last page of a word is dirty, found, counted, synced and cleared like any other', async () => {
      const memory = cleanEngine(64);
      const vcpu = attachVcpu(memory.handle);
      const block = memory.ram.find(0)!;
      expect(vcpu.mark(31 * PAGE)).to.equal(7);
      expect(vcpu.mark(31 * PAGE)).to.equal(0);
      expect(vcpu.markPage(63, MIGRATION)).to.equal(4);
      expect(vcpu.markPage(63, MIGRATION)).to.equal(0);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([31, 63]);
      expect(memory.setDirtyBitmap(new Uint8Array([0, 0, 0, 0x80]), 0, 32)).to.equal(1);
      expect(await memory.syncBitmap(block)).to.equal(2);
      expect(pagesOf(block.pages)).to.deep.equal([31, 63]);
      expect(memory.isDirty(31 * PAGE, PAGE, MIGRATION)).to.equal(false);
      expect(await memory.testAndClear(31 * PAGE, PAGE, CODE)).to.equal(true);
    });

    it('pages at and above 2^31 are marked, queried and harvested where they are', async () => {
      const memory = DirtyMemory.create({ maxRamBytes: 2 ** 44 });
      const firsts = [2 ** 31 - 3, 2 ** 32 - 7];
      for (const first of firsts) memory.ram.plug({ id: `at ${first}`, size: 7 * PAGE, offset: first * PAGE });
      cleanAll(memory);
      const vcpu = attachVcpu(memory.handle);
      const pages = [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 7, 2 ** 32 - 1];
      for (const page of pages) {
        expect(vcpu.mark(page * PAGE + 5), String(page)).to.equal(7);
        expect(vcpu.markPage(page, CODE)).to.equal(0);
        expect(vcpu.isDirty(page * PAGE, 1, VGA)).to.equal(true);
      }
      expect(dirtyPages(memory, VGA)).to.deep.equal(pages);
      expect(vcpu.markRange((2 ** 32 - 3) * PAGE, 3 * PAGE, 7)).to.equal(7);
      expect(() => vcpu.mark(2 ** 32 * PAGE)).to.throw(RangeError, 'mark');
      expect(() => vcpu.mark((2 ** 31 + 4) * PAGE - 2 ** 32 * PAGE)).to.throw(RangeError, 'mark');
      const { set } = await memory.harvest(MIGRATION);
      expect(pagesOf(set)).to.deep.equal([...pages.slice(0, 4), 2 ** 32 - 3, 2 ** 32 - 2, 2 ** 32 - 1]);
    });
  });
});
