import { expect } from 'chai';
import { Allocator } from '../../lib/arena/allocator.js';
import { Arena } from '../../lib/arena/arena.js';
import { LINE, POISON, RUN_CAPACITY, Table } from '../../lib/arena/layout.js';
import { ArenaFullError, CorruptionError } from '../../lib/base/errors.js';
import { expectThrow } from '../support/refusals.js';

const BLOCK_WORDS = 32;

function setUp({ debug = false, heapWords = 64 * LINE, dirty = false } = {}) {
  const fixed = 4 * (4 + 1 + 1 + BLOCK_WORDS / LINE) * LINE + RUN_CAPACITY * 8;
  const memory = dirty ? new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }) : undefined;
  if (memory !== undefined) new Uint8Array(memory.buffer).fill(0xff);
  const { arena } = Arena.create({
    pagesPerBlock: 32 * BLOCK_WORDS,
    maxReaders: 1,
    maxRamBytes: 2 ** 22,
    arenaBytes: fixed + heapWords * 4,
    debug,
    ...(memory !== undefined && { memory }),
  });
  return { arena, words: arena.words, allocator: new Allocator(arena, !dirty) };
}

function contents(arena: Arena, first: number, size: number): Set<number> {
  return new Set(Array.from({ length: size }, (_, i) => arena.words.get(first + i)));
}

describe('the allocator', () => {
  for (const dirty of [false, true]) {
    it(`gives blocks of zeros${dirty ? ', though the memory was in use before' : ''}, first and again`, () => {
      const { arena, words, allocator } = setUp({ dirty });
      const block = allocator.allocateBlock('first');
      expect(contents(arena, block, BLOCK_WORDS)).to.deep.equal(new Set([0]));
      words.fill(block, block + BLOCK_WORDS, -1);
      allocator.freeBlock(block);
      expect(allocator.allocateBlock('again')).to.equal(block);
      expect(contents(arena, block, BLOCK_WORDS), 'again').to.deep.equal(new Set([0]));
    });
  }

  it('zeroes freed blocks when it is told to, and says whether there are more', () => {
    const { arena, words, allocator } = setUp();
    const blocks = [1, 2, 3].map(() => allocator.allocateBlock('a block'));
    for (const block of blocks) words.fill(block, block + BLOCK_WORDS, -1);
    for (const block of blocks) allocator.freeBlock(block);
    expect(allocator.stats()).to.include({ freeBlocks: 3, zeroedBlocks: 0, freeBlockBytes: 3 * 4 * BLOCK_WORDS });
    expect(allocator.zeroSome(2)).to.equal(true);
    expect(allocator.stats()).to.include({ freeBlocks: 3, zeroedBlocks: 2 });
    expect(allocator.zeroSome(1), 'the last').to.equal(false);
    expect(allocator.zeroSome(2), 'none').to.equal(false);
    expect(allocator.stats()).to.include({ freeBlocks: 3, zeroedBlocks: 3 });
    for (const block of blocks) expect(contents(arena, block, BLOCK_WORDS)).to.deep.equal(new Set([0]));
  });

  it('does not touch new memory, which is zero and which the operating system has not committed yet', () => {
    const { arena, words, allocator } = setUp();
    words.fill(arena.regions.heap, words.length, 7); // so that a store of 0 shows
    const block = allocator.allocateBlock('a block');
    expect(contents(arena, block, BLOCK_WORDS)).to.deep.equal(new Set([7]));
  });

  it('has nothing to zero any more once its memory is gone', () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const { arena } = Arena.create({ memory, shared: false, pagesPerBlock: 64, arenaBytes: 2 ** 15 });
    const allocator = new Allocator(arena, false);
    allocator.freeBlock(allocator.allocateBlock('a block'));
    memory.grow(1);
    expect(allocator.zeroSome(1)).to.equal(false);
  });

  it('tells of each freed block when it is ready for reuse, but in debug mode, where blocks are zeroed at once', () => {
    for (const debug of [false, true]) {
      const { allocator } = setUp({ debug });
      const blocks = [1, 2].map(() => allocator.allocateBlock('a block')) as [number, number];
      const told: number[] = [];
      allocator.onFree = () => told.push(allocator.stats().freeBlocks);
      allocator.freeZeroedBlock(blocks[0]);
      allocator.freeBlock(blocks[1]);
      expect(told).to.deep.equal(debug ? [1] : [1, 2]);
      expect(allocator.stats()).to.include({ bytesInUse: 0, freeBlocks: 2, zeroedBlocks: debug ? 2 : 1 });
    }
  });

  it('gives zeroed blocks at the top of the heap back, and hands them out again as fresh memory', () => {
    const { arena, allocator } = setUp();
    const [low, middle, high] = [1, 2, 3].map(() => allocator.allocateBlock('a block')) as [number, number, number];
    for (const block of [low, high]) allocator.freeBlock(block);
    allocator.zeroSome(2);
    expect(allocator.trim(), 'the lowest is below one in use').to.equal(1);
    expect(allocator.stats()).to.include({ freeBlocks: 1 });
    expect(allocator.allocateBlock('the spare')).to.equal(low);
    const fresh = allocator.allocateBlock('fresh');
    expect(fresh).to.equal(high);
    expect(contents(arena, fresh, BLOCK_WORDS)).to.deep.equal(new Set([0]));
    expect(middle).to.be.above(low);
  });

  it('gives back all of its blocks, however many they are, and has none to give then', () => {
    const { arena, allocator } = setUp();
    for (const count of [1, 2, 3]) {
      const blocks = Array.from({ length: count }, () => allocator.allocateBlock('a block'));
      for (const block of blocks) allocator.freeZeroedBlock(block);
      expect(allocator.trim()).to.equal(count);
      expect(allocator.trim()).to.equal(0);
      expect(allocator.stats()).to.include({ freeBlocks: 0, bytesInUse: 0 });
    }
    expect(allocator.allocateTable(1, 'a table')).to.equal(arena.regions.heap);
  });

  it('gives memory that nobody else has, within the arena and behind the zero block', () => {
    const { arena, allocator } = setUp();
    const taken: [number, number][] = [];
    for (let i = 0; i < 4; i++) {
      taken.push([allocator.allocateBlock('a block'), BLOCK_WORDS]);
      taken.push([allocator.allocateTable(20 * i, 'a table'), 20 * i + Table.Entries]);
    }
    taken.sort(([a], [b]) => a - b);
    let end = arena.regions.heap;
    for (const [first, size] of taken) {
      expect(first).to.be.at.least(end);
      expect(first % LINE, 'begins on a line of its own').to.equal(0);
      end = first + size;
    }
    expect(end).to.be.at.most(arena.words.length);
  });

  it('makes a freed table one of no entries, filled with what no reader can take for a block', () => {
    const { arena, words, allocator } = setUp();
    const table = allocator.allocateTable(28, 'a table');
    words.set(table + Table.Length, 28);
    words.fill(table + Table.Entries, table + Table.Entries + 28, arena.regions.heap);
    allocator.freeTable(table);
    expect(words.get(table + Table.Length)).to.equal(0);
    expect(contents(arena, table + 1, 31)).to.deep.equal(new Set([POISON]));
  });

  it('uses a freed table again for one of a nearby length', () => {
    const { allocator } = setUp();
    const table = allocator.allocateTable(20, 'a table');
    allocator.freeTable(table);
    expect(allocator.allocateTable(60, 'a longer one')).not.to.equal(table);
    expect(allocator.allocateTable(28, 'a table of the same 32 words')).to.equal(table);
  });

  it('uses each of several freed tables of one length again', () => {
    const { allocator } = setUp();
    const tables = [1, 2, 3].map(() => allocator.allocateTable(20, 'a table'));
    for (const table of tables) allocator.freeTable(table);
    expect(allocator.stats().freeTables).to.equal(3);
    const again = [1, 2, 3].map(() => allocator.allocateTable(20, 'again'));
    expect(new Set(again)).to.deep.equal(new Set(tables));
  });

  it('counts bytes in use, their peak, and what waits for reuse', () => {
    const { arena, allocator } = setUp();
    expect(allocator.stats()).to.deep.equal({
      bytesReserved: arena.words.length * 4,
      bytesInUse: 0,
      bytesPeak: 0,
      freeBlocks: 0,
      freeBlockBytes: 0,
      zeroedBlocks: 0,
      freeTables: 0,
    });
    const blocks = [1, 2, 3].map(() => allocator.allocateBlock('a block'));
    const table = allocator.allocateTable(1, 'a table');
    const all = 4 * (3 * BLOCK_WORDS + LINE);
    expect(allocator.stats()).to.include({ bytesInUse: all, bytesPeak: all, freeBlocks: 0, freeTables: 0 });
    for (const block of blocks) allocator.freeBlock(block);
    allocator.freeTable(table);
    expect(allocator.stats()).to.include({ bytesInUse: 0, bytesPeak: all, freeBlocks: 3, freeTables: 1 });
    allocator.allocateBlock('again');
    const again = 4 * BLOCK_WORDS;
    expect(allocator.stats()).to.include({ bytesInUse: again, bytesPeak: all, freeBlocks: 2, freeTables: 1 });
  });

  it('says what had no room, and changes nothing', () => {
    const { allocator } = setUp({ heapWords: 3 * BLOCK_WORDS });
    const blocks = [1, 2, 3].map(() => allocator.allocateBlock('a block'));
    const before = allocator.stats();
    expectThrow(() => allocator.allocateBlock('one too many'), ArenaFullError, 'one too many', 4 * BLOCK_WORDS);
    expectThrow(() => allocator.allocateTable(1, 'a table'), ArenaFullError, 'a table', 4 * LINE);
    expect(allocator.stats()).to.deep.equal(before);
    allocator.freeBlock(blocks[1] as number);
    expect(allocator.allocateBlock('a block')).to.equal(blocks[1]);
  });

  it('says how much of a full arena a grace period will free, and for which readers that waits', () => {
    const { allocator } = setUp({ heapWords: 3 * BLOCK_WORDS + LINE });
    const table = allocator.allocateTable(1, 'a table');
    const blocks = [1, 2, 3].map(() => allocator.allocateBlock('a block')) as [number, number, number];
    const full = (): string => {
      try {
        allocator.allocateTable(1, 'one more');
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error('the arena is not full');
    };
    expect(full()).to.contain(`${4 * (3 * BLOCK_WORDS + LINE)} in use. Dispose`);
    for (const first of [table, blocks[0], blocks[1]]) allocator.awaitPeriod(first);
    const bytes = 4 * (2 * BLOCK_WORDS + LINE);
    expect(full()).to.contain(` in use, of which ${bytes} are free after a grace period: await rcu.synchronize(). `);
    allocator.describeHoldouts = () => "waiting for 'vcpu'";
    expect(full()).to.contain(` are free after a grace period (waiting for 'vcpu'): await`);
    allocator.freeBlock(blocks[0]);
    expect(allocator.allocateBlock('again')).to.equal(blocks[0]);
    expect(full(), 'the block is another user’s now').to.contain(`of which ${4 * (BLOCK_WORDS + LINE)} are free`);
  });

  it('uses the arena to its last word', () => {
    const { arena, allocator } = setUp({ heapWords: 2 * BLOCK_WORDS + LINE });
    allocator.allocateBlock('a block');
    allocator.allocateBlock('a block');
    const table = allocator.allocateTable(LINE - Table.Entries, 'a table');
    expect(table + LINE).to.equal(arena.words.length);
  });

  it('refuses to free what is free already, or never was a block or a table', () => {
    const { allocator } = setUp();
    const block = allocator.allocateBlock('a block');
    const table = allocator.allocateTable(1, 'a table');
    allocator.freeBlock(block);
    allocator.freeTable(table);
    const before = allocator.stats();
    expectThrow(() => allocator.freeBlock(block), CorruptionError, block, 'bitmap block');
    expectThrow(() => allocator.freeZeroedBlock(block), CorruptionError, block, 'bitmap block');
    expectThrow(() => allocator.freeTable(table), CorruptionError, table, 'block table');
    expectThrow(() => allocator.freeBlock(block + LINE), CorruptionError, block + LINE);
    expectThrow(() => allocator.freeTable(7), CorruptionError, 7);
    expect(allocator.stats()).to.deep.equal(before);
  });

  it('finds in debug mode that a freed block was written to, at its first and last words', () => {
    for (const offset of [0, BLOCK_WORDS - 1]) {
      const { words, allocator } = setUp({ debug: true });
      const block = allocator.allocateBlock('a block');
      allocator.freeBlock(block);
      words.or(block + offset, 1 << 31);
      expectThrow(() => allocator.allocateBlock('again'), CorruptionError, 'bitmap block', offset, block, -(2 ** 31));
    }
  });

  it('finds in debug mode that a freed table was written to, at its first and last entries', () => {
    for (const offset of [Table.Entries, LINE - 1]) {
      const { words, allocator } = setUp({ debug: true });
      const table = allocator.allocateTable(1, 'a table');
      allocator.freeTable(table);
      words.set(table + offset, 5);
      expectThrow(() => allocator.allocateTable(1, 'again'), CorruptionError, 'block table', offset, table, 5);
    }
  });

  it('reads nothing of what is reused outside of debug mode', () => {
    const { words, allocator } = setUp();
    const [block, table] = [allocator.allocateBlock('a block'), allocator.allocateTable(1, 'a table')];
    allocator.freeZeroedBlock(block);
    allocator.freeTable(table);
    words.set(block, 5);
    words.set(table + Table.Entries, 5);
    expect(allocator.allocateBlock('again')).to.equal(block);
    expect(allocator.allocateTable(1, 'again')).to.equal(table);
  });
});
