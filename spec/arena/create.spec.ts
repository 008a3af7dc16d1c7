import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import {
  AddressSpaceError,
  ArenaFullError,
  CODE,
  DirtyMemory,
  type DirtyMemoryOptions,
  MIGRATION,
  VGA,
} from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { CLIENTS, dirtyPages, PAGE, pagesOf, range, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

const shared = (pages: number): WebAssembly.Memory =>
  new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });

describe('creating an engine', () => {
  const refusals: [title: string, options: unknown, type: typeof RangeError, ...parts: (string | number)[]][] = [
    ['no options but null', null, TypeError, 'options', 'null'],
    ['options that are a number', 5, TypeError, 'options', 5],
    ['a page size that is no power of two', { pageSize: 4095 }, RangeError, 'pageSize', 4095, 'power of two'],
    ['a page size of 0', { pageSize: 0 }, RangeError, 'pageSize', 0],
    ['a negative page size', { pageSize: -4096 }, RangeError, 'pageSize', -4096],
    ['half a byte a page', { pageSize: 0.5 }, RangeError, 'pageSize', 0.5],
    ['a page size that is NaN', { pageSize: Number.NaN }, RangeError, 'pageSize', 'NaN'],
    ['a page size past the limit', { pageSize: 2 ** 31 }, RangeError, 'pageSize', 2 ** 31, 2 ** 30],
    ['a page size that is a string', { pageSize: '4096' }, TypeError, 'pageSize', "'4096'"],
    ['a page size that is a bigint', { pageSize: 4096n }, TypeError, 'pageSize', '4096n'],
    ['too few pages a block', { pagesPerBlock: 32 }, RangeError, 'pagesPerBlock', 32, 64],
    ['pages a block that are no power of two', { pagesPerBlock: 96 }, RangeError, 'pagesPerBlock', 96],
    ['too many pages a block', { pagesPerBlock: 2 ** 31 }, RangeError, 'pagesPerBlock', 2 ** 31, 2 ** 30],
    ['no readers', { maxReaders: 0 }, RangeError, 'maxReaders', 0, 1],
    ['too many readers', { maxReaders: 4097 }, RangeError, 'maxReaders', 4097, 4096],
    ['half a reader', { maxReaders: 1.5 }, RangeError, 'maxReaders', 1.5],
    ['RAM of less than a page', { maxRamBytes: 4095 }, RangeError, 'maxRamBytes', 4095, 4096],
    ['RAM of more than 2^32 pages', { maxRamBytes: 2 ** 44 + 1 }, RangeError, 'maxRamBytes', 2 ** 44],
    ['RAM past 2^53', { pageSize: 2 ** 30, maxRamBytes: 2 ** 53 }, RangeError, 'maxRamBytes', 2 ** 53],
    ['debug that is no boolean', { debug: 1 }, TypeError, 'debug', 1],
    ['an arena too small for its header', { arenaBytes: 4096 }, RangeError, 'arenaBytes', 4096],
    ['an arena past 4 GiB', { arenaBytes: 2 ** 32 + 64 }, RangeError, 'arenaBytes', 2 ** 32],
    ['an arena that is NaN', { arenaBytes: Number.NaN }, RangeError, 'arenaBytes', 'NaN'],
    ['an unknown kernel', { kernel: 'fast' }, RangeError, 'kernel', "'fast'"],
    ['no time before a stall', { stallMs: 0 }, RangeError, 'stallMs', 0],
    ['a time before a stall that no timer has', { stallMs: 2 ** 31 }, RangeError, 'stallMs', 2 ** 31],
    ['a byteOffset into no memory', { byteOffset: 64 }, TypeError, 'byteOffset', 64],
    ['a memory that is none', { memory: {} }, TypeError, 'memory', '[object Object]'],
    ['a bare SharedArrayBuffer', { memory: new SharedArrayBuffer(2 ** 20) }, TypeError, 'memory'],
    ['a memory that is not shared', { memory: new WebAssembly.Memory({ initial: 1 }) }, TypeError, 'memory', 'shared'],
    ['a shared memory that is not to be', { memory: shared(1), shared: false }, TypeError, 'memory', 'shared is false'],
    ['shared that is no boolean', { shared: 0 }, TypeError, 'shared', 0],
    ['shared that is a string', { shared: 'no' }, TypeError, 'shared', "'no'"],
    ['a memory that is too small', { memory: shared(1), pagesPerBlock: 64 }, RangeError, 'memory', 65536],
    [
      'an arena that is larger than the memory',
      { memory: shared(1), pagesPerBlock: 64, arenaBytes: 2 ** 17 },
      RangeError,
      65536,
      2 ** 17,
    ],
  ];
  for (const [title, options, type, ...parts] of refusals) {
    it(`is refused with ${title}`, () => {
      expectThrow(() => DirtyMemory.create(options as DirtyMemoryOptions), type, 'DirtyMemory.create', ...parts);
    });
  }

  for (const byteOffset of [-64, 32, 65, 0.5, Number.NaN, 2 ** 18, 2 ** 53]) {
    it(`is refused at byteOffset ${byteOffset} of the embedder's memory, which stays untouched`, () => {
      const memory = shared(4);
      expectThrow(
        () => smallEngine({ memory, byteOffset }),
        RangeError,
        'DirtyMemory.create',
        'byteOffset',
        byteOffset,
      );
      expect(new Int32Array(memory.buffer).every((word) => word === 0)).to.equal(true);
    });
  }

  it('reserves what every bitmap could need, and takes next to nothing of it', () => {
    const memory = DirtyMemory.create();
    const { arenaBytesReserved, arenaBytesInUse } = memory.stats();
    const bitmapsOfAllClients = (3 * 2 ** 42) / 4096 / 8;
    expect(arenaBytesReserved).to.be.at.least(2 * bitmapsOfAllClients);
    expect(arenaBytesInUse).to.be.at.most(4096);
  });

  for (const shared of [true, false]) {
    it(`says what to do where the host would not reserve its memory, ${shared ? 'shared' : 'of one thread'}`, () => {
      const { Memory } = WebAssembly;
      const hosts = new RangeError('WebAssembly.Memory(): could not allocate memory');
      WebAssembly.Memory = class extends Memory {
        constructor(descriptor: WebAssembly.MemoryDescriptor) {
          super({ ...descriptor, initial: 0, maximum: 0 });
          throw hosts;
        }
      };
      try {
        const create = (): unknown => DirtyMemory.create({ maxRamBytes: 2 ** 30, shared });
        const parts = [
          'DirtyMemory.create',
          'could not allocate',
          'arenaBytes',
          'maxRamBytes',
          'memory and byteOffset',
        ];
        expectThrow(create, AddressSpaceError, ...parts);
        expectThrow(create, RangeError);
        expect(create).to.throw().with.property('cause', hosts);
      } finally {
        WebAssembly.Memory = Memory;
      }
    });
  }

  it('takes the largest and the smallest sizes that it says it takes', () => {
    for (const options of [
      { pageSize: 2 ** 30, pagesPerBlock: 64, maxRamBytes: 2 ** 36 },
      { pageSize: 1, pagesPerBlock: 64, maxRamBytes: 1 },
      { pageSize: 1, maxRamBytes: 2 ** 32 },
      { pagesPerBlock: 2 ** 30, maxRamBytes: 2 ** 44 },
      { maxReaders: 4096 },
    ]) {
      const memory = DirtyMemory.create(options);
      const size = options.pageSize ?? 4096;
      memory.ram.plug({ id: 'ram', size });
      expect(memory.allDirty(0, size, CODE)).to.equal(true);
    }
  });
});

describe('the bitmap blocks of an engine that says nothing about them', () => {
  const sizes: [options: DirtyMemoryOptions, pages: number][] = [
    [{ maxRamBytes: 4096 }, 64],
    [{ maxRamBytes: 65 * 4096 - 1 }, 64],
    [{ maxRamBytes: 65 * 4096 }, 128],
    [{ maxRamBytes: 2 ** 20, pageSize: 256 }, 2 ** 12],
    [{ maxRamBytes: 3 * 2 ** 20 + 1 }, 2 ** 10],
    [{ maxRamBytes: 2 ** 33 - 4096 }, 2 ** 21],
    [{ maxRamBytes: 2 ** 33 }, 2 ** 21],
    [{ maxRamBytes: 2 ** 34 }, 2 ** 21],
    [{}, 2 ** 21],
    [{ pageSize: 1 }, 2 ** 21],
    [{ maxRamBytes: 2 ** 20, pagesPerBlock: 2 ** 12 }, 2 ** 12],
  ];
  for (const [options, pages] of sizes) {
    it(`have ${pages} pages with ${JSON.stringify(options)}`, () => {
      const { handle } = DirtyMemory.create(options);
      expect(Arena.attach('spec', handle).geometry.pagesPerBlock).to.equal(pages);
    });
  }

  it('are no larger than all RAM, so that a small machine has a small arena', async () => {
    const memory = DirtyMemory.create({ pageSize: 256, maxRamBytes: 2 ** 18, tracked: 4 });
    memory.ram.plug({ id: 'ram', size: 2 ** 18 });
    memory.whileStopped.harvest(MIGRATION).set.dispose();
    const vcpu = attachVcpu(memory.handle);
    for (const addr of [0, 2 ** 17, 2 ** 18 - 1]) vcpu.mark(addr);
    expect(dirtyPages(memory, MIGRATION, 256)).to.deep.equal([0, 512, 1023]);
    const { arenaBytesInUse, arenaBytesReserved } = memory.stats();
    expect(arenaBytesInUse).to.be.at.most(2048);
    expect(arenaBytesReserved).to.be.at.most(65536);
    vcpu.detach();
    await memory.close();
  });
});

describe("an engine in the embedder's memory", () => {
  it('keeps within its region, whatever it does', async () => {
    const memory = shared(4);
    const bytes = new Uint8Array(memory.buffer).fill(0xa5);
    const byteOffset = 64 * 100;
    const engine = smallEngine({ memory, byteOffset });
    const block = engine.ram.plug({ id: 'ram', size: 300 * PAGE });
    const vcpu = attachVcpu(engine.handle);
    const { set } = await engine.harvest(VGA);
    vcpu.mark(299 * PAGE);
    set.dispose();
    await engine.ram.unplug(block);
    await engine.close();
    const outside = (at: number): boolean => at < byteOffset || at >= byteOffset + 2 ** 16;
    expect(bytes.every((byte, at) => !outside(at) || byte === 0xa5)).to.equal(true);
  });

  it('is refused in bytes of another that lives there, and takes them when that one is closed', async () => {
    const memory = shared(4);
    const first = smallEngine({ memory, byteOffset: 2 ** 15 });
    const before = new Int32Array(memory.buffer).slice();
    for (const byteOffset of [64, 2 ** 15 + 64, 2 ** 16 + 2 ** 15 - 64]) {
      expectThrow(() => smallEngine({ memory, byteOffset }), RangeError, 'byteOffset', byteOffset, 'lives in');
    }
    expect(new Int32Array(memory.buffer)).to.deep.equal(before);
    await smallEngine({ memory, byteOffset: 2 ** 16 + 2 ** 15 }).close();
    await first.close();
    await smallEngine({ memory, byteOffset: 2 ** 15 + 64 }).close();
  });

  it('reports no bit that the memory held before', async () => {
    const memory = shared(4);
    new Uint8Array(memory.buffer).fill(0xff);
    const engine = smallEngine({ memory, byteOffset: 128 });
    engine.ram.plug({ id: 'low', size: 3 * PAGE });
    engine.ram.plug({ id: 'high', size: 3 * PAGE, offset: 200 * PAGE });
    expect(engine.isDirty(3 * PAGE, 197 * PAGE, VGA)).to.equal(false);
    const vcpu = attachVcpu(engine.handle);
    expect(vcpu.isDirty(3 * PAGE, 197 * PAGE, VGA)).to.equal(false);
    expectThrow(() => vcpu.mark(100 * PAGE), RangeError);
    const { set } = await engine.harvest(MIGRATION);
    expect(pagesOf(set)).to.deep.equal([0, 1, 2, 200, 201, 202]);
    expect(engine.stats().readersAttached).to.equal(1);
  });

  it('shares the memory with another engine, and neither sees the other', async () => {
    const memory = shared(4);
    const one = smallEngine({ memory, byteOffset: 0 });
    const two = smallEngine({ memory, byteOffset: 2 ** 16 });
    one.ram.plug({ id: 'ram', size: 10 * PAGE });
    two.ram.plug({ id: 'ram', size: 20 * PAGE });
    for (const client of CLIENTS) (await one.harvest(client)).set.dispose();
    const vcpu = attachVcpu(two.handle);
    expect(dirtyPages(one, CODE)).to.deep.equal([]);
    expect(dirtyPages(two, CODE)).to.deep.equal(range(0, 20));
    two.whileStopped.harvest(CODE);
    vcpu.mark(19 * PAGE);
    expect(dirtyPages(one, CODE)).to.deep.equal([]);
    expect(dirtyPages(two, CODE)).to.deep.equal([19]);
  });

  it('is refused where another lives, until that is closed', async () => {
    const memory = shared(4);
    const one = smallEngine({ memory, byteOffset: 64 });
    one.ram.plug({ id: 'ram', size: PAGE });
    expectThrow(() => smallEngine({ memory, byteOffset: 64 }), RangeError, 'DirtyMemory.create', 'byteOffset 64');
    expect(one.isDirty(0, PAGE, VGA)).to.equal(true);
    await one.close();
    const two = smallEngine({ memory, byteOffset: 64 });
    expect(two.stats().ramBlocks).to.equal(0);
  });

  it('leaves its place free when there is no room for its tables', () => {
    const memory = shared(1);
    const fixed = 4 * (4 + 4 + 1 + 4 + 4) * 16;
    expectThrow(() => smallEngine({ memory, arenaBytes: fixed + 128 }), RangeError, 'DirtyMemory.create', 'arenaBytes');
    expect(new Int32Array(memory.buffer)[Header.Magic]).to.equal(0);
    smallEngine({ memory });
  });

  it('may be as small as its header, its slots, a batch of runs, its meters and three empty tables', () => {
    const least = 4 * (4 + 4 + 1 + 4 + 4 + 3) * 16;
    const engine = smallEngine({ arenaBytes: least });
    expectThrow(() => engine.ram.plug({ id: 'ram', size: PAGE }), ArenaFullError, "plug: 'ram'");
    expectThrow(() => smallEngine({ arenaBytes: least - 1 }), RangeError, 'arenaBytes', least);
  });

  it('has a memory with room for it, though its size is no whole number of WebAssembly pages', () => {
    const { arena, release } = Arena.create({ arenaBytes: 2 ** 26 + 64 });
    expect(arena.words.length * 4).to.equal(2 ** 26 + 64);
    release();
  });

  it('has room for the blocks that its creation allocates, or is refused', () => {
    const least = 4 * 16 * (4 + 1 + 1 + 4 + 1 + 3);
    const create = (arenaBytes: number, blocks?: number): void =>
      Arena.create({ maxReaders: 1, pagesPerBlock: 64, arenaBytes }, blocks).release();
    create(least);
    expectThrow(() => create(least - 1), RangeError, 'arenaBytes', least);
    create(least + 2 * 64, 2);
    expectThrow(() => create(least + 2 * 64 - 1, 2), RangeError, 'arenaBytes', least + 2 * 64);
  });

  it('takes no more of a memory than it was given, though a line is not full', async () => {
    const memory = DirtyMemory.create({ memory: shared(2), pagesPerBlock: 64, arenaBytes: 100_063 });
    expect(memory.stats().arenaBytesReserved).to.equal(100_032);
    await memory.close();
  });
});
