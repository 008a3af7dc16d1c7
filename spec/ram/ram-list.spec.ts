import { expect } from 'chai';
import { ArenaFullError, CODE, type DirtyMemory, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import {
  CLIENTS,
  cleanAll,
  collectAtOnce,
  describeEngines,
  dirtyPages,
  foreignVcpu,
  PAGE,
  range,
  reportUntil,
  smallEngine,
  stateOf,
} from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

describeEngines('the RAM list', () => {
  let memory: DirtyMemory;

  beforeEach(() => {
    memory = smallEngine();
  });

  it('announces RAM that is all dirty for every client', () => {
    const block = memory.ram.plug({ id: 'dimm0', size: 130 * PAGE });
    expect(block).to.include({ id: 'dimm0', offset: 0, size: 130 * PAGE });
    expect(block.pages.pages).to.equal(0);
    for (const client of CLIENTS) {
      expect(dirtyPages(memory, client)).to.deep.equal(range(0, 130));
    }
  });

  it('has no end without RAM', () => {
    expect(memory.ram.end).to.equal(0);
  });

  it('places RAM where it is told, at any page', () => {
    const block = memory.ram.plug({ id: 'odd', size: PAGE, offset: 65 * PAGE });
    expect(block.offset).to.equal(65 * PAGE);
    expect(memory.ram.plug({ id: 'beside', size: PAGE, offset: 66 * PAGE }).offset).to.equal(66 * PAGE);
    expect(memory.ram.plug({ id: 'before', size: 65 * PAGE, offset: 0 }).offset).to.equal(0);
    expect(memory.ram.plug({ id: 'last', size: PAGE, offset: 4095 * PAGE }).offset).to.equal(4095 * PAGE);
  });

  it('places RAM in the smallest hole, in words of its own, when it is not told', () => {
    memory.ram.plug({ id: 'a', size: PAGE });
    expect(memory.ram.plug({ id: 'b', size: 64 * PAGE }).offset).to.equal(64 * PAGE);
    memory.ram.plug({ id: 'far', size: PAGE, offset: 256 * PAGE });
    expect(memory.ram.plug({ id: 'c', size: 3 * PAGE }).offset).to.equal(128 * PAGE);
  });

  it('iterates by place, over the blocks of the moment at which the iteration began', async () => {
    for (const offset of [200, 0, 100]) memory.ram.plug({ id: `at ${offset}`, size: PAGE, offset: offset * PAGE });
    const ids: string[] = [];
    for (const block of memory.ram) {
      ids.push(block.id);
      if (block.offset === 0) memory.ram.plug({ id: 'new', size: PAGE, offset: 50 * PAGE });
      if (block.offset === 0) await memory.ram.unplug(memory.ram.get('at 100')!);
    }
    expect(ids).to.deep.equal(['at 0', 'at 100', 'at 200']);
    expect([...memory.ram].map((block) => block.id)).to.deep.equal(['at 0', 'new', 'at 200']);
    expect(memory.ram.bytes).to.equal(3 * PAGE);
    expect(memory.ram.end).to.equal(201 * PAGE);
    await memory.ram.unplug(memory.ram.get('new')!);
    expect([...memory.ram].map((block) => block.id)).to.deep.equal(['at 0', 'at 200']);
  });

  it('counts its changes, so that those who compare it know of each', async () => {
    const seen = new Set([memory.ram.changes]);
    const look = (): void => void seen.add(memory.ram.changes);
    const block = memory.ram.plug({ id: 'a', size: 2 * PAGE, maxSize: 3 * PAGE });
    look();
    for (const size of [3, 2]) await memory.ram.resize(block, size * PAGE).then(look);
    await block.discard(0, PAGE).then(look);
    block.populate(0, PAGE);
    look();
    await memory.ram.unplug(block).then(look);
    expect(seen.size).to.equal(7);
  });

  it('finds blocks by id and by any address within them', () => {
    const low = memory.ram.plug({ id: 'low', size: 2 * PAGE, offset: 10 * PAGE });
    const high = memory.ram.plug({ id: 'high', size: 2 * PAGE, offset: 12 * PAGE });
    expect(memory.ram.get('low')).to.equal(low);
    expect(memory.ram.get('none')).to.equal(undefined);
    expectThrow(() => memory.ram.get(5 as never), TypeError, 'get: id must be a string');
    for (const [addr, block] of [
      [0, undefined],
      [10 * PAGE - 1, undefined],
      [10 * PAGE, low],
      [12 * PAGE - 1, low],
      [12 * PAGE, high],
      [14 * PAGE - 1, high],
      [14 * PAGE, undefined],
      [Number.MAX_SAFE_INTEGER, undefined],
    ] as const) {
      expect(memory.ram.find(addr), String(addr)).to.equal(block);
    }
  });

  it('refuses RAM that overlaps other RAM, at either end and around it', () => {
    memory.ram.plug({ id: 'there', size: 10 * PAGE, offset: 100 * PAGE });
    const before = stateOf(memory);
    for (const [first, pages] of [
      [91, 10],
      [109, 1],
      [100, 10],
      [102, 2],
      [50, 100],
    ] as const) {
      expectThrow(
        () => memory.ram.plug({ id: 'new', size: pages * PAGE, offset: first * PAGE }),
        RangeError,
        "'new'",
        first * PAGE,
        (first + pages) * PAGE,
        "'there'",
      );
    }
    expect(stateOf(memory)).to.deep.equal(before);
  });

  it('refuses an id that is in use, and takes it again once its block is gone', async () => {
    const block = memory.ram.plug({ id: 'dimm0', size: PAGE });
    expectThrow(() => memory.ram.plug({ id: 'dimm0', size: PAGE }), RangeError, 'plug', "'dimm0'");
    await memory.ram.unplug(block);
    expect(memory.ram.plug({ id: 'dimm0', size: 2 * PAGE }).size).to.equal(2 * PAGE);
  });

  it('refuses RAM for which there is no hole, naming its size and the limit', () => {
    memory.ram.plug({ id: 'there', size: 64 * PAGE, offset: 2048 * PAGE });
    expectThrow(() => memory.ram.plug({ id: 'big', size: 2049 * PAGE }), RangeError, 2049 * PAGE, 4096 * PAGE);
    expect(memory.ram.plug({ id: 'fits', size: 2048 * PAGE }).offset).to.equal(0);
  });

  it('refuses an id that is too long', () => {
    memory.ram.plug({ id: 'x'.repeat(255), size: PAGE });
    const long = () => memory.ram.plug({ id: 'y'.repeat(256), size: PAGE });
    expectThrow(long, RangeError, 'plug: id must be at most 255 characters long, got 256');
  });

  it('refuses sizes that no hole could have, with what to give instead', () => {
    const plug = (size: unknown) => () => memory.ram.plug({ id: 'new', size: size as number });
    expectThrow(plug(PAGE + 1), RangeError, `the next one is ${2 * PAGE}`);
    expectThrow(plug(4097 * PAGE), RangeError, `RAM ends at maxRamBytes of create, ${4096 * PAGE}`);
    expectThrow(plug(String(4097 * PAGE)), TypeError, 'size must be a number');
  });

  it('refuses to unplug a block twice, at once or later, and a block of another engine', async () => {
    const block = memory.ram.plug({ id: 'dimm0', size: PAGE });
    const unplugged = memory.ram.unplug(block);
    await expectReject(() => memory.ram.unplug(block), RangeError, 'unplug', "'dimm0'", 'not plugged');
    await unplugged;
    await expectReject(() => memory.ram.unplug(block), RangeError, 'unplug', "'dimm0'", 'not plugged');
    const again = memory.ram.plug({ id: 'dimm0', size: PAGE });
    await expectReject(() => memory.ram.unplug(block), RangeError, 'unplug', "'dimm0'");
    await expectReject(() => smallEngine().ram.unplug(again), RangeError, 'unplug', "'dimm0'");
    expect([...memory.ram]).to.deep.equal([again]);
  });

  it('forgets RAM at once, and keeps its place until the grace period has ended', async () => {
    const vcpu = foreignVcpu(memory);
    const block = memory.ram.plug({ id: 'gone', size: 64 * PAGE });
    const unplugged = memory.ram.unplug(block);
    expect([...memory.ram]).to.deep.equal([]);
    expect(memory.ram.find(0)).to.equal(undefined);
    expectThrow(() => memory.isDirty(0, PAGE, VGA), RangeError, 'isDirty');
    expectThrow(
      () => memory.ram.plug({ id: 'gone', size: PAGE, offset: 63 * PAGE }),
      RangeError,
      "'gone'",
      'unplugging has not ended',
    );
    expect(memory.ram.plug({ id: 'elsewhere', size: PAGE }).offset, 'the place is not free').to.equal(64 * PAGE);
    const large = () => memory.ram.plug({ id: 'large', size: 4096 * PAGE });
    expectThrow(large, RangeError, `${64 * PAGE} bytes belong to RAM whose unplugging has not ended`);
    await reportUntil(vcpu, unplugged);
    expect(large).to.throw(RangeError).with.property('message').that.does.not.contain('unplugging has');
    expect(memory.ram.plug({ id: 'gone', size: PAGE, offset: 63 * PAGE }).offset).to.equal(63 * PAGE);
    expectThrow(() => block.pages.pages, TypeError, 'disposed');
  });

  it('gives the place away as soon as the readers have reported, before anybody has looked', async () => {
    const vcpu = foreignVcpu(memory);
    const gone = memory.ram.plug({ id: 'gone', size: 64 * PAGE });
    await reportUntil(vcpu, memory.rcu.synchronize());
    const unplugged = memory.ram.unplug(gone);
    vcpu.quiescent();
    expect(memory.ram.plug({ id: 'new', size: PAGE, offset: 0 }).offset).to.equal(0);
    await unplugged;
  });

  it('unplugs no RAM when the arena is full, until the readers have reported to an earlier unplugging', async () => {
    const vcpu = foreignVcpu(memory);
    const low = memory.ram.plug({ id: 'low', size: 64 * PAGE });
    const earlier = memory.ram.unplug(memory.ram.plug({ id: 'high', size: 64 * PAGE }));
    fillArena(memory);
    const before = stateOf(memory);
    await expectReject(() => memory.ram.unplug(low), ArenaFullError, "unplug: 'low'", 'are free after a grace period');
    expect(stateOf(memory)).to.deep.equal(before);
    vcpu.quiescent();
    await Promise.all([earlier, reportUntil(vcpu, memory.ram.unplug(low))]);
  });

  it('has a full arena say that the synced pages of a block are on their way out', async () => {
    memory.ram.plug({ id: 'stays', size: PAGE, offset: 0 });
    const gone = memory.ram.plug({ id: 'gone', size: PAGE, offset: PAGE });
    await memory.syncBitmap(gone);
    await memory.rcu.synchronize();
    const vcpu = foreignVcpu(memory);
    const unplugged = memory.ram.unplug(gone);
    expectThrow(() => fillArena(memory)(), ArenaFullError, 'of which 64 are free after a grace period');
    await reportUntil(vcpu, unplugged);
  });

  it('takes RAM beside a place that is not free yet, in the same words', async () => {
    const vcpu = foreignVcpu(memory);
    const block = memory.ram.plug({ id: 'gone', size: 10 * PAGE });
    vcpu.quiescent();
    const unplugged = memory.ram.unplug(block);
    memory.ram.plug({ id: 'new', size: 10 * PAGE, offset: 10 * PAGE });
    for (const client of CLIENTS) collectAtOnce(memory, client).dispose();
    expect(vcpu.mark(5 * PAGE), 'a late mark, in memory that is still there').to.equal(0);
    await reportUntil(vcpu, unplugged);
    expect(dirtyPages(memory, CODE)).to.deep.equal([]);
    memory.ram.plug({ id: 'gone', size: 10 * PAGE, offset: 0 });
    expect(dirtyPages(memory, CODE)).to.deep.equal(range(0, 10));
  });

  it('cleans late marks out of words that other RAM shares', async () => {
    const gone = memory.ram.plug({ id: 'gone', size: 10 * PAGE });
    memory.ram.plug({ id: 'stays', size: 10 * PAGE, offset: 10 * PAGE });
    cleanAll(memory);
    const vcpu = foreignVcpu(memory);
    const unplugged = memory.ram.unplug(gone);
    expect(vcpu.mark(5 * PAGE)).to.equal(7);
    expect(vcpu.mark(15 * PAGE)).to.equal(7);
    await reportUntil(vcpu, unplugged);
    for (const client of CLIENTS) {
      expect(vcpu.isDirty(0, 10 * PAGE, client), `client ${client}`).to.equal(false);
      expect(dirtyPages(memory, client)).to.deep.equal([15]);
    }
  });

  it('gives back the bitmap blocks of RAM in the middle of the table, and readers are refused there', async () => {
    memory.ram.plug({ id: 'low', size: 64 * PAGE });
    const without = memory.ram.plug({ id: 'high', size: 64 * PAGE, offset: 640 * PAGE });
    await memory.rcu.synchronize();
    const before = memory.stats().arenaBytesInUse;
    const middle = memory.ram.plug({ id: 'middle', size: 192 * PAGE, offset: 192 * PAGE });
    const vcpu = attachVcpu(memory.handle);
    expect(vcpu.mark(200 * PAGE)).to.equal(0);
    await memory.rcu.synchronize();
    expect(memory.stats()).to.include({ bitmapBlocks: 5, arenaBytesInUse: before + 3 * 3 * 64 });
    await memory.ram.unplug(middle);
    expect(memory.stats()).to.include({ bitmapBlocks: 2, arenaBytesInUse: before, freeBlocks: 9 });
    expectThrow(() => vcpu.mark(200 * PAGE), RangeError, 'mark', 200 * PAGE);
    expect(vcpu.isDirty(192 * PAGE, 192 * PAGE, VGA)).to.equal(false);
    expect(memory.isDirty(without.offset, without.size, VGA)).to.equal(true);
  });

  it('keeps a bitmap block for as long as any RAM reaches into it', async () => {
    const one = memory.ram.plug({ id: 'one', size: PAGE, offset: 0 });
    const two = memory.ram.plug({ id: 'two', size: 70 * PAGE, offset: PAGE });
    await memory.ram.unplug(one);
    expect(memory.stats().bitmapBlocks).to.equal(2);
    await memory.ram.unplug(two);
    expect(memory.stats().bitmapBlocks).to.equal(0);
    expect(memory.stats()).to.include({ plugs: 2, unplugs: 2, extends: 2, shrinks: 1, ramBlocks: 0, ramBytes: 0 });
  });

  it('keeps a bitmap block of which other RAM has but the last page, or the first', async () => {
    const low = memory.ram.plug({ id: 'low', size: 63 * PAGE, offset: 0 });
    memory.ram.plug({ id: 'middle', size: 2 * PAGE, offset: 63 * PAGE });
    const high = memory.ram.plug({ id: 'high', size: 63 * PAGE, offset: 65 * PAGE });
    const vcpu = attachVcpu(memory.handle);
    await memory.ram.unplug(low);
    await memory.ram.unplug(high);
    cleanAll(memory);
    for (const page of [63, 64]) expect(vcpu.mark(page * PAGE), `page ${page}`).to.equal(7);
    expect(dirtyPages(memory, VGA)).to.deep.equal([63, 64]);
    vcpu.detach();
  });

  it('has readers refuse marks past its new end from their next report on, in a bitmap block that stays', async () => {
    memory.ram.plug({ id: 'stays', size: 32 * PAGE });
    const gone = memory.ram.plug({ id: 'gone', size: 32 * PAGE, offset: 32 * PAGE });
    const vcpu = attachVcpu(memory.handle);
    await memory.ram.unplug(gone);
    vcpu.quiescent();
    expectThrow(() => vcpu.mark(32 * PAGE), RangeError, 'mark', 32 * PAGE);
    expect(vcpu.mark(31 * PAGE)).to.equal(0);
    vcpu.detach();
  });

  it('shows new RAM to a reader at once, in the middle of its interval', () => {
    const vcpu = foreignVcpu(memory);
    expectThrow(() => vcpu.mark(0), RangeError, 'mark');
    memory.ram.plug({ id: 'dimm0', size: PAGE });
    expect(vcpu.isDirty(0, PAGE, VGA)).to.equal(true);
    memory.ram.plug({ id: 'dimm1', size: PAGE, offset: 200 * PAGE });
    collectAtOnce(memory, CODE).dispose();
    expect(vcpu.mark(200 * PAGE + 5)).to.equal(2);
    expect(vcpu.markRange(200 * PAGE, PAGE, 7)).to.equal(0);
    vcpu.detach();
  });

  it('tells readers nothing of RAM that a failed plug did not add', () => {
    const vcpu = attachVcpu(memory.handle);
    memory.ram.plug({ id: 'dimm0', size: PAGE });
    expectThrow(() => memory.ram.plug({ id: 'dimm0', size: 100 * PAGE }), RangeError);
    expectThrow(() => vcpu.mark(PAGE), RangeError, 'mark', PAGE);
    expectThrow(() => vcpu.mark(64 * PAGE), RangeError, 'mark', 64 * PAGE);
  });
});

/** Takes the arena's room for page sets. @returns what takes more, for which there is none */
function fillArena(memory: DirtyMemory): () => void {
  const more = (): unknown => memory.createPageSet().add(0, PAGE);
  for (;;) {
    try {
      more();
    } catch {
      return more;
    }
  }
}
