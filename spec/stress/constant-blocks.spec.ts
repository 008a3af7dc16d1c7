import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Header, Table } from '../../lib/arena/layout.js';
import { type DirtyMemory, openEngine } from '../../lib/dirty-memory.js';
import { shippedParts } from '../../lib/parts.js';
import { ConstantBlocks } from '../../lib/stress/constant-blocks.js';
import { PAGE } from '../support/engines.js';

describe('the watch on the blocks that never change', () => {
  let found: string[];
  let memory: DirtyMemory;
  let blocks: ConstantBlocks;
  let arena: Arena;

  beforeEach(() => {
    found = [];
    blocks = new ConstantBlocks((detail) => found.push(detail));
    const options = { pagesPerBlock: 64, maxRamBytes: 1024 * PAGE, tracked: 1 };
    ({ memory } = openEngine(options, {
      allocator: (of, fresh) => blocks.plantIn(of, shippedParts.allocator(of, fresh)),
    }));
    arena = Arena.attach('spec', memory.handle);
    memory.ram.plug({ id: 'ram', size: 64 * PAGE });
  });
  afterEach(() => memory.close());

  it('finds nothing while nobody writes there, and looks with every table', () => {
    const { looks } = blocks;
    memory.ram.plug({ id: 'more', size: 64 * PAGE });
    expect(blocks.looks).to.be.above(looks);
    expect(found).to.deep.equal([]);
  });

  it('finds a bit that is set in the all-zero block, with the next table, and tells of it once', () => {
    arena.words.or(arena.regions.zeroBlock + 1, 8);
    expect(found).to.deep.equal([]);
    memory.ram.plug({ id: 'more', size: 64 * PAGE });
    expect(found).to.deep.equal(['word 1 of the all-zero block is 8, not 0']);
    blocks.look();
    expect(found).to.have.length(1);
    arena.words.and(arena.regions.zeroBlock + 1, 0);
  });

  it('finds a bit that is cleared in the full block', () => {
    const full = arena.words.get(arena.words.get(Header.Roots + 1) + Table.Entries);
    arena.words.and(full, ~1);
    blocks.look();
    expect(found).to.deep.equal(['word 0 of the full block is -2, not -1']);
  });
});
