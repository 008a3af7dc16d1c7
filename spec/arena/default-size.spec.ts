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
  ] as const) {
    it(`has room for twelve bitmaps and twelve tables of all RAM, and no more: ${title}`, () => {
      const { arena } = Arena.create({ pagesPerBlock, maxRamBytes });
      const allocator = new Allocator(arena, true);
      const blocks = maxRamBytes / 4096 / pagesPerBlock;
      for (let i = 0; i < 12; i++) allocator.allocateTable(blocks, 'a table');
      for (let i = 0; i < 12 * (blocks + 1); i++) allocator.allocateBlock('a block');
      const fixed = 4 * arena.regions.heap;
      const { bytesReserved, bytesInUse } = allocator.stats();
      expect(bytesReserved - fixed - bytesInUse).to.be.below(WASM_PAGE);
    });
  }
});
