import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import { rootOf } from '../../lib/dirty/client.js';
import { type DirtyMemory, openEngine } from '../../lib/dirty-memory.js';
import { ArenaFullError, MIGRATION } from '../../lib/index.js';
import { shippedParts } from '../../lib/parts.js';
import { PAGE, SWAP_ALL } from '../support/engines.js';

const PAGES = 256;

describe('a harvest that would swap blocks out', () => {
  /** For how many blocks to swap there is room. */
  let room: number;
  let memory: DirtyMemory;

  beforeEach(() => {
    room = Infinity;
    ({ memory } = openEngine(
      { pagesPerBlock: 64, maxRamBytes: 512 * PAGE, debug: true },
      {
        swapPolicy: SWAP_ALL,
        allocator: (...of) => {
          const allocator = shippedParts.allocator(...of);
          const { allocateBlock } = allocator;
          allocator.allocateBlock = (purpose) => {
            if (purpose === 'swapping' && room-- <= 0) throw new ArenaFullError(purpose);
            return allocateBlock.call(allocator, purpose);
          };
          return allocator;
        },
      },
    ));
    memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
  });
  afterEach(() => memory.close());

  const root = (): number => Arena.attach('spec', memory.handle).words.load(Header.Roots + rootOf(MIGRATION));

  for (const blocks of [1, 3]) {
    it(`swaps ${blocks} of four, for which alone there is room, and empties the others`, async () => {
      room = blocks;
      const { set, added } = await memory.harvest(MIGRATION);
      expect(added).to.equal(PAGES);
      set.dispose();
      expect(memory.stats().blocksSwapped).to.equal(blocks);
      expect(memory.isDirty(0, PAGES * PAGE, MIGRATION)).to.equal(false);
    });
  }

  it('publishes no table when there is room for none, and empties all', async () => {
    room = 0;
    const before = root();
    const { set, added } = await memory.harvest(MIGRATION);
    expect(added).to.equal(PAGES);
    set.dispose();
    expect(root()).to.equal(before);
  });
});
