import { expect } from 'chai';
import { Allocator } from '../../lib/arena/allocator.js';
import { Arena } from '../../lib/arena/arena.js';

/** What the arena's size is rounded up to. */
const WASM_PAGE = 65536;

describe('an arena, by default', () => {
  it('has the sizes that the documentation gives', () => {
    const { arena, maxPages } = Arena.create({});
    const { pageSize, pagesPerBlock, maxReaders, debug } = arena.geometry;
    expect({ pageSize, pagesPerBlock, maxReaders, debug }).to.deep.equal({
      pageSize: 4096,
      pagesPerBlock: 2 ** 21,
      maxReaders: 64,
      debug: false,
    });
    expect(maxPages * pageSize).to.equal(2 ** 42);
  });

  for (const [title, pagesPerBlock, maxRamBytes] of [
    ['many small blocks', 64, 2 ** 30],
    ['few blocks', 2 ** 15, 2 ** 30],
    ['large tables, of little more than half their entries', 64, 14_000 * 64 * 4096],
    ['large blocks, the last of which is half RAM', 2 ** 22, 27.5 * 2 ** 22 * 4096],
  ] as const) {
    it(`has room for twelve bitmaps and twelve tables of all RAM, and no more: ${title}`, () => {
      const { arena } = Arena.create({ pagesPerBlock, maxRamBytes, maxReaders: 1 });
      const allocator = new Allocator(arena, true);
      const blocks = Math.ceil(maxRamBytes / 4096 / pagesPerBlock);
      for (let i = 0; i < 12; i++) allocator.allocateTable(blocks, 'a table');
      for (let i = 0; i < 12 * (blocks + 1); i++) allocator.allocateBlock('a block');
      const fixed = 4 * arena.regions.heap;
      const { bytesReserved, bytesInUse } = allocator.stats();
      expect(bytesReserved - fixed - bytesInUse).to.be.below(WASM_PAGE);
      expect(bytesReserved % WASM_PAGE).to.equal(0);
    });
  }

  it('has 4 GiB if RAM could need more, but leaves the first line of the embedder’s 4 GiB free', () => {
    const options = { pagesPerBlock: 2 ** 20, maxRamBytes: 2 ** 44 };
    expect(Arena.create(options).arena.words.length * 4).to.equal(2 ** 32);
    const memory = new WebAssembly.Memory({ initial: 2 ** 16, maximum: 2 ** 16, shared: true });
    expect(Arena.create({ ...options, memory, byteOffset: 64 }).arena.words.length * 4).to.equal(2 ** 32 - 64);
  });
});
