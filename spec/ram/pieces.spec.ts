import { expect } from 'chai';
import { type DirtyMemory, MIGRATION, type RamBlock, UsageError, VGA } from '../../lib/index.js';
import {
  CLIENTS,
  cleanAll,
  describeEngines,
  dirtyPages,
  foreignVcpu,
  PAGE,
  pagesOf,
  range,
  reportUntil,
  smallEngine,
  stateOf,
} from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

/** 64 pages a bitmap block: the block has all of 1 to 3, and a half of 0 and of 4. */
const FIRST = 32;
const PAGES = 4 * 64;

describeEngines('RAM in pieces', () => {
  let memory: DirtyMemory;
  let block: RamBlock;

  beforeEach(() => {
    memory = smallEngine();
    block = memory.ram.plug({ id: 'balloon', size: PAGES * PAGE, offset: FIRST * PAGE });
  });

  const discard = (first: number, pages: number): Promise<void> => block.discard(first * PAGE, pages * PAGE);
  const populate = (first: number, pages: number): void => block.populate(first * PAGE, pages * PAGE);

  describe('that are discarded', () => {
    it('are in no collection, query or set of dirty pages any more, from the step of the call on', async () => {
      const display = await memory.track(VGA, { name: 'display' });
      const discarded = discard(10, 20);
      const rest = [...range(FIRST, FIRST + 10), ...range(FIRST + 30, FIRST + PAGES)];
      for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal(rest);
      expect(memory.isDirty((FIRST + 10) * PAGE, 20 * PAGE, VGA)).to.equal(false);
      expect(memory.allDirty((FIRST + 10) * PAGE, PAGE, VGA), 'no RAM').to.equal(false);
      expect(display.pending).to.equal(PAGES - 20);
      expect(pagesOf((await memory.harvest(MIGRATION)).set)).to.deep.equal(rest);
      expect(pagesOf((await display.harvest()).set)).to.deep.equal(rest);
      await discarded;
    });

    it('leave what a user has yet to collect, and what was synced to the block', async () => {
      const display = await memory.track(VGA, { name: 'display' });
      await display.harvest();
      memory.setDirtyRange(FIRST * PAGE, 8 * PAGE, VGA | MIGRATION);
      await memory.syncBitmap(block);
      (await memory.harvest(VGA)).set.dispose();
      expect(display.pending).to.equal(8);
      await discard(2, 4);
      expect(display.pending).to.equal(4);
      expect(pagesOf(block.pages)).to.not.include.members(range(FIRST + 2, FIRST + 6));
      expect(pagesOf((await display.harvest()).set)).to.deep.equal([32, 33, 38, 39]);
    });

    it('are not delivered by a collection that had them in flight', async () => {
      const vcpu = foreignVcpu(memory);
      const harvested = memory.harvest(MIGRATION);
      const discarded = discard(64, 64);
      expect(pagesOf((await reportUntil(vcpu, harvested)).set)).to.deep.equal([
        ...range(FIRST, FIRST + 64),
        ...range(FIRST + 128, FIRST + PAGES),
      ]);
      await reportUntil(vcpu, discarded);
    });

    it('are not delivered by a bounded harvest that had chosen them from what others have collected', async () => {
      const display = await memory.track(VGA, { name: 'display' });
      (await display.harvest()).set.dispose();
      memory.setDirtyRange(FIRST * PAGE, 8 * PAGE, VGA);
      (await memory.harvest(VGA)).set.dispose();
      memory.setDirty((FIRST + 3) * PAGE, VGA); // which has to be waited for
      const vcpu = foreignVcpu(memory);
      const harvested = display.harvest({ maxPages: 8 });
      const discarded = discard(2, 4);
      expect(pagesOf((await reportUntil(vcpu, harvested)).set)).to.deep.equal([32, 33, 38, 39]);
      expect(display.pending).to.equal(0);
      await reportUntil(vcpu, discarded);
    });

    it('are in no copy of what another collection has in flight', async () => {
      const vcpu = foreignVcpu(memory);
      const display = await reportUntil(vcpu, memory.track(VGA, { name: 'display' }));
      const rest = [...range(FIRST, FIRST + 10), ...range(FIRST + 30, FIRST + PAGES)];
      const harvested = memory.harvest(VGA);
      const discarded = discard(10, 20);
      vcpu.goOffline();
      for (const user of [display.whileStopped, { harvest: () => memory.whileStopped.harvest(VGA) }]) {
        expect(pagesOf(user.harvest().set)).to.deep.equal(rest);
      }
      expect(pagesOf((await harvested).set)).to.deep.equal(rest);
      await discarded;
    });

    it('give back the bitmap blocks of which all is discarded, once no reader can hold them', async () => {
      const vcpu = foreignVcpu(memory);
      const before = memory.stats();
      expect(before.bitmapBlocks).to.equal(5);
      const discarded = discard(16, 144);
      expect(memory.stats().bitmapBlocks, 'pages 64 to 127 and 128 to 191 are gone').to.equal(3);
      expect(memory.stats().arenaBytesInUse).to.be.at.least(before.arenaBytesInUse);
      await reportUntil(vcpu, discarded);
      expect(memory.stats().arenaBytesInUse).to.be.below(before.arenaBytesInUse);
      expectThrow(() => vcpu.mark(100 * PAGE), RangeError, 'mark');
      populate(16, 144);
      expect(memory.stats().bitmapBlocks).to.equal(5);
      expect(vcpu.mark(100 * PAGE), 'dirty already').to.equal(0);
    });

    it('take marks and refuse them as a hole beside RAM does, and none shows when they are populated again', async () => {
      const vcpu = foreignVcpu(memory);
      await reportUntil(vcpu, discard(0, 10));
      for (const client of CLIENTS) (await reportUntil(vcpu, memory.harvest(client))).set.dispose();
      vcpu.mark(FIRST * PAGE);
      expect((await memory.harvest(VGA)).set.pages).to.equal(0);
      expectThrow(() => memory.setDirty(FIRST * PAGE, VGA), RangeError, "'balloon' is discarded from 131072");
      expectThrow(
        () => memory.setDirtyRange(40 * PAGE, 8 * PAGE, VGA),
        RangeError,
        'discarded from',
        40 * PAGE,
        42 * PAGE,
      );
    });

    it('are reserved until their late marks are cleared, so that those which come are all dirty', async () => {
      const vcpu = foreignVcpu(memory);
      cleanAll(memory);
      vcpu.goOffline();
      vcpu.goOnline();
      const discarded = discard(0, 10);
      for (const page of [0, 7]) vcpu.mark((FIRST + page) * PAGE);
      expectThrow(
        () => populate(0, 10),
        RangeError,
        'bytes 0 to 40960',
        'discarding has not ended',
        "'foreign'",
        'await',
      );
      await reportUntil(vcpu, discarded);
      expect(vcpu.isDirty(FIRST * PAGE, 10 * PAGE, VGA), 'to a vCPU, which knows no RAM').to.equal(false);
      populate(0, 5);
      for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal(range(FIRST, FIRST + 5));
    });

    it('are said by the block', async () => {
      expect(block.populatedRuns()).to.deep.equal([{ start: FIRST * PAGE, length: PAGES * PAGE, offset: 0 }]);
      await Promise.all([discard(0, 1), discard(100, 50)]);
      expect(block.populatedRuns()).to.deep.equal([
        { start: 33 * PAGE, length: 99 * PAGE, offset: PAGE },
        { start: 182 * PAGE, length: 106 * PAGE, offset: 150 * PAGE },
      ]);
      expect(block.isPopulated(PAGE, 99 * PAGE)).to.equal(true);
      expect(block.isPopulated(PAGE - 1, 1)).to.equal(false);
      expect(block.isPopulated(99 * PAGE + 1, PAGE)).to.equal(false);
      for (const offset of [0, 1]) expect(block.isPopulated(offset, 0), 'no byte').to.equal(true);
      expect(memory.ram.bytes).to.equal(PAGES * PAGE);
      expect(memory.ram.populatedBytes).to.equal((PAGES - 51) * PAGE);
      expect(memory.stats()).to.include({ ramBytes: PAGES * PAGE, ramBytesPopulated: (PAGES - 51) * PAGE });
      expect(memory.ram.find(FIRST * PAGE), 'it is the block’s all the same').to.equal(block);
    });

    it('go with their block, whose place is free again', async () => {
      const discarded = discard(0, 70);
      const unplugged = memory.ram.unplug(block);
      await Promise.all([discarded, unplugged]);
      expect(memory.ram.populatedBytes).to.equal(0);
      expect(memory.stats().bitmapBlocks).to.equal(0);
      memory.ram.plug({ id: 'balloon', size: PAGES * PAGE, offset: FIRST * PAGE });
      expect(dirtyPages(memory, VGA)).to.deep.equal(range(FIRST, FIRST + PAGES));
    });

    it('do not count in a measurement when they come, or come back, in the middle of it', async () => {
      await discard(0, 20);
      cleanAll(memory);
      const measured = memory.measureDirtyRate({ client: VGA, windowMs: 50 });
      await discard(40, 20);
      populate(0, 20);
      populate(40, 20);
      memory.setDirty((FIRST + 100) * PAGE, VGA);
      expect((await measured).blocks.map(({ id, pages }) => [id, pages])).to.deep.equal([['balloon', 1]]);
      expect(dirtyPages(memory, VGA)).to.deep.equal([
        ...range(FIRST, FIRST + 20),
        ...range(FIRST + 40, FIRST + 60),
        FIRST + 100,
      ]);
    });
  });

  describe('that are populated', () => {
    it('are dirty for every user, also for those that have collected everything', async () => {
      const display = await memory.track(VGA, { name: 'display' });
      await discard(10, 3);
      for (const client of CLIENTS) (await memory.harvest(client)).set.dispose();
      (await display.harvest()).set.dispose();
      populate(11, 1);
      for (const client of CLIENTS) expect(pagesOf((await memory.harvest(client)).set)).to.deep.equal([FIRST + 11]);
      expect(pagesOf((await display.harvest()).set)).to.deep.equal([FIRST + 11]);
    });

    it('are none where there is no room for their bitmap blocks: nothing is changed then', async () => {
      const small = smallEngine({ arenaBytes: 24_000 });
      const dimm = small.ram.plug({ id: 'dimm', size: 3 * 64 * PAGE });
      await dimm.discard(0, 128 * PAGE);
      const fillers = fill(small);
      const before = [stateOf(small), dimm.populatedRuns()];
      expectThrow(() => dimm.populate(0, 128 * PAGE), RangeError, "populate: a part of 'dimm'");
      expect([stateOf(small), dimm.populatedRuns()]).to.deep.equal(before);
      for (const set of fillers) set.dispose();
      dimm.populate(0, 128 * PAGE);
      expect(small.ram.populatedBytes).to.equal(dimm.size);
      await small.close();
    });
  });

  it('may come as soon as the readers have reported, and go and come again', async () => {
    const vcpu = foreignVcpu(memory);
    const dimm = memory.ram.plug({ id: 'dimm', size: 9 * PAGE, maxSize: 20 * PAGE });
    await reportUntil(vcpu, memory.rcu.synchronize());
    for (let round = 0; round < 2; round++) {
      const discarded = discard(5, 5);
      expectThrow(() => populate(5, 5), RangeError, 'discarding has not ended');
      vcpu.quiescent(); // nobody looks, but for the next call
      populate(5, 5);
      const resized = memory.ram.resize(dimm, 3 * PAGE);
      await expectReject(() => memory.ram.resize(dimm, 9 * PAGE), RangeError, 'resizing has not ended');
      vcpu.quiescent();
      const grown = memory.ram.resize(dimm, 9 * PAGE);
      expect(dimm.size).to.equal(9 * PAGE);
      await Promise.all([discarded, resized, grown]);
    }
    expect(block.populatedRuns()).to.have.lengthOf(1);
  });

  it('reaches from no block into its neighbour', async () => {
    memory.ram.plug({ id: 'next', size: PAGE, offset: (FIRST + PAGES) * PAGE });
    const most = `length must be an integer from 0 to ${PAGE}`;
    await expectReject(() => discard(PAGES - 1, 2), RangeError, most);
    expectThrow(() => populate(PAGES - 1, 2), RangeError, most);
    expectThrow(() => block.isPopulated((PAGES - 1) * PAGE, 2 * PAGE), RangeError, most);
    await discard(PAGES - 1, 1);
    const end = FIRST + PAGES;
    const where = `'balloon' is discarded from ${(end - 1) * PAGE} (0x11f000) to ${end * PAGE} (0x120000)`;
    expectThrow(() => memory.setDirty((end - 1) * PAGE, VGA), RangeError, where);
    await memory.ram.unplug(memory.ram.get('next') as RamBlock);
    expectThrow(() => memory.setDirty((end - 1) * PAGE, VGA), RangeError, where);
  });

  it('refuses what is no part of a block, naming it, with nothing changed', async () => {
    await discard(10, 10);
    const before = [stateOf(memory), block.populatedRuns()];
    await expectReject(() => block.discard(1, PAGE), RangeError, 'discard', 'offset', 'multiple of the page size');
    await expectReject(() => block.discard(0, PAGE + 1), RangeError, 'discard', 'length', PAGE + 1);
    await expectReject(() => block.discard(0, (PAGES + 1) * PAGE), RangeError, 'length', PAGES * PAGE);
    await expectReject(
      () => block.discard(0, 11 * PAGE),
      RangeError,
      'bytes 0 to 45056',
      'not all populated',
      42 * PAGE,
    );
    await expectReject(() => block.discard('0' as never, PAGE), TypeError, 'offset');
    expectThrow(() => populate(9, 2), RangeError, 'not all discarded', `populated from ${9 * PAGE} on`);
    expectThrow(() => populate(19, 2), RangeError, 'not all discarded', `populated from ${20 * PAGE} on`);
    expectThrow(() => block.isPopulated(0, block.size + 1), RangeError, 'isPopulated', 'length');
    expectThrow(() => block.isPopulated(-1, 1), RangeError, 'isPopulated', 'offset');
    expect([stateOf(memory), block.populatedRuns()]).to.deep.equal(before);
    await memory.ram.unplug(block);
    await expectReject(() => block.discard(0, PAGE), RangeError, 'discard', "'balloon'", 'not plugged');
    expectThrow(() => populate(10, 10), RangeError, 'populate', 'not plugged');
    expectThrow(() => block.populatedRuns(), RangeError, 'not plugged');
    expectThrow(() => block.isPopulated(0, PAGE), RangeError, 'isPopulated', 'not plugged');
    await expectReject(() => memory.ram.resize(block, PAGE), RangeError, 'resize: ', 'not plugged');
    const others = smallEngine().ram.plug({ id: 'balloon', size: 2 * PAGE });
    await expectReject(() => memory.ram.resize(others, PAGE), RangeError, 'resize: ', 'not plugged');
    expect(others.size).to.equal(2 * PAGE);
  });

  it('refuses a block behind a proxy, which is no block', async () => {
    const proxy = new Proxy(block, {});
    const why = 'block must be a RamBlock, as ram.plug and ram.get return it';
    await expectReject(() => proxy.discard(0, PAGE), TypeError, `discard: ${why}`);
    expectThrow(() => proxy.isPopulated(0, PAGE), TypeError, `isPopulated: ${why}`);
    expectThrow(() => proxy.populatedRuns(), TypeError, `populatedRuns: ${why}`);
  });

  it('takes an empty part for nothing to do', async () => {
    await block.discard(PAGES * PAGE, 0);
    block.populate(0, 0);
    await memory.ram.resize(block, block.size);
    expect(block.populatedRuns()).to.have.lengthOf(1);
    expect(memory.stats()).to.include({ discards: 0, populates: 0, resizes: 0 });
  });

  describe('of a block with room to grow', () => {
    let dimm: RamBlock;

    beforeEach(() => {
      dimm = memory.ram.plug({ id: 'dimm', size: 64 * PAGE, maxSize: 256 * PAGE, offset: 1024 * PAGE });
    });

    it('keep other RAM out of that room, which is no RAM yet', () => {
      expect(dimm).to.include({ size: 64 * PAGE, maxSize: 256 * PAGE });
      expect(memory.ram.end).to.equal(1088 * PAGE);
      expectThrow(() => memory.setDirty(1088 * PAGE, VGA), RangeError, "the end of 'dimm'");
      expectThrow(
        () => memory.ram.plug({ id: 'in it', size: PAGE, offset: 1100 * PAGE }),
        RangeError,
        "'dimm', which may grow to",
        256 * PAGE,
      );
      expectThrow(
        () => memory.ram.plug({ id: 'below', size: PAGE, maxSize: 25 * PAGE, offset: 1000 * PAGE }),
        RangeError,
        "overlap 'dimm'",
      );
      expect(memory.ram.find(1088 * PAGE)).to.equal(undefined);
    });

    it('keep that room for as long as their block is on its way out', async () => {
      const vcpu = foreignVcpu(memory);
      const unplugged = memory.ram.unplug(dimm);
      const plug = () => memory.ram.plug({ id: 'in it', size: PAGE, offset: 1100 * PAGE });
      expectThrow(plug, RangeError, 'overlap RAM whose unplugging has not ended');
      await reportUntil(vcpu, unplugged);
      plug();
    });

    it('come all dirty within the call, and are RAM for vCPUs', async () => {
      const vcpu = foreignVcpu(memory);
      cleanAll(memory);
      const resized = memory.ram.resize(dimm, 100 * PAGE);
      expect(dimm.size).to.equal(100 * PAGE);
      for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal(range(1088, 1124));
      expect(vcpu.mark(1088 * PAGE), 'dirty already').to.equal(0);
      expect(memory.ram.bytes).to.equal((PAGES + 100) * PAGE);
      await resized;
    });

    it('come and go beside other RAM, which stays as it is, and are counted for those who copy the block', async () => {
      memory.ram.plug({ id: 'next', size: 64 * PAGE, offset: 1280 * PAGE });
      const rest = (PAGES + 64) * PAGE;
      const { resizes } = dimm;
      for (const [i, size] of [200 * PAGE, 100 * PAGE].entries()) {
        await memory.ram.resize(dimm, size);
        expect(memory.ram.populatedBytes).to.equal(rest + size);
        expect(dimm.resizes).to.equal(resizes + i + 1);
      }
    });

    it('go at once, and may come again after a grace period', async () => {
      const vcpu = foreignVcpu(memory);
      await memory.ram.resize(dimm, 200 * PAGE);
      cleanAll(memory);
      vcpu.mark(1200 * PAGE);
      const resized = memory.ram.resize(dimm, 10 * PAGE);
      expect(dimm.size).to.equal(10 * PAGE);
      for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal([]);
      await expectReject(() => memory.ram.resize(dimm, 64 * PAGE), RangeError, 'resize: ', 'resizing has not ended');
      await reportUntil(vcpu, resized);
      await memory.ram.resize(dimm, 64 * PAGE);
      for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal(range(1034, 1088));
    });

    it('stay discarded where they were, and are populated when they come anew', async () => {
      await dimm.discard(30 * PAGE, 34 * PAGE);
      await memory.ram.resize(dimm, 40 * PAGE);
      expect(dimm.populatedRuns()).to.deep.equal([{ start: 1024 * PAGE, length: 30 * PAGE, offset: 0 }]);
      await memory.ram.resize(dimm, 64 * PAGE);
      expect(dimm.populatedRuns().map(({ offset, length }) => [offset / PAGE, length / PAGE])).to.deep.equal([
        [0, 30],
        [40, 24],
      ]);
      dimm.populate(30 * PAGE, 10 * PAGE);
      expect(dimm.populatedRuns()).to.have.lengthOf(1);
      const vcpu = foreignVcpu(memory);
      const again = dimm.discard(40 * PAGE, 24 * PAGE);
      expectThrow(() => dimm.populate(40 * PAGE, 24 * PAGE), RangeError, 'discarding has not ended');
      await reportUntil(vcpu, again);
      dimm.populate(40 * PAGE, 24 * PAGE);
    });

    it('may be cut off while their discarding goes on', async () => {
      const vcpu = foreignVcpu(memory);
      const discarded = dimm.discard(30 * PAGE, 34 * PAGE);
      const resized = memory.ram.resize(dimm, 40 * PAGE);
      await reportUntil(vcpu, Promise.all([discarded, resized]));
      await memory.ram.resize(dimm, 64 * PAGE);
      expect(dimm.isPopulated(40 * PAGE, 24 * PAGE)).to.equal(true);
      expectThrow(() => dimm.populate(40 * PAGE, 24 * PAGE), RangeError, 'not all discarded');
      const again = dimm.discard(40 * PAGE, 24 * PAGE);
      expectThrow(() => dimm.populate(40 * PAGE, 24 * PAGE), RangeError, 'discarding has not ended');
      await reportUntil(vcpu, again);
      dimm.populate(30 * PAGE, 34 * PAGE);
      expect(dimm.populatedRuns()).to.have.lengthOf(1);
    });

    it('take what was synced to the block with them when they go', async () => {
      await memory.ram.resize(dimm, 200 * PAGE);
      await memory.syncBitmap(dimm);
      await memory.ram.resize(dimm, 10 * PAGE);
      expect(pagesOf(dimm.pages)).to.deep.equal(range(1024, 1034));
      await memory.ram.resize(dimm, 200 * PAGE);
      expect(dimm.pages.pages).to.equal(10);
      dimm.pages.dispose();
      await memory.ram.resize(dimm, 10 * PAGE);
    });

    it('are refused beyond that room, and what is no size, with nothing changed', async () => {
      const before = stateOf(memory);
      await expectReject(() => memory.ram.resize(dimm, 257 * PAGE), RangeError, 'resize: ', 'size', 256 * PAGE);
      await expectReject(() => memory.ram.resize(dimm, 0), RangeError, 'size');
      await expectReject(() => memory.ram.resize(dimm, PAGE + 1), RangeError, 'multiple of the page size');
      await expectReject(() => memory.ram.resize({} as never, PAGE), TypeError, 'RamBlock');
      expectThrow(() => memory.ram.plug({ id: 'x', size: 2 * PAGE, maxSize: PAGE }), RangeError, 'maxSize');
      const atTheEnd = { id: 'x', size: PAGE, maxSize: 2 * PAGE, offset: 4095 * PAGE };
      expectThrow(() => memory.ram.plug(atTheEnd), RangeError, 'plug: offset', 4094 * PAGE);
      expectThrow(() => memory.ram.plug({ id: 'x', size: PAGE, maxSize: PAGE + 1 }), RangeError, 'maxSize', 'multiple');
      expect(stateOf(memory)).to.deep.equal(before);
    });

    it('may not go in a read-side section', async () => {
      const vcpu = foreignVcpu(memory);
      vcpu.goOffline();
      const own = (await import('../../lib/vcpu.js')).attachVcpu(memory.handle, { name: 'own' });
      own.readLock();
      await expectReject(() => memory.ram.resize(dimm, PAGE), UsageError, 'section');
      await expectReject(() => discard(0, 1), UsageError, 'section');
      own.readUnlock();
      own.detach();
      expect(dimm.size).to.equal(64 * PAGE);
      expect(block.populatedRuns()).to.have.lengthOf(1);
    });
  });
});

/** Takes what room there is for page sets. */
function fill(memory: DirtyMemory): { dispose(): void }[] {
  const sets: { dispose(): void }[] = [];
  for (;;) {
    const set = memory.createPageSet();
    sets.push(set);
    try {
      set.add(0, PAGE);
    } catch {
      return sets;
    }
  }
}
