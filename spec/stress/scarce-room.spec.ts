import { expect } from 'chai';
import { type DirtyMemory, openEngine } from '../../lib/dirty-memory.js';
import { ArenaFullError, CODE } from '../../lib/index.js';
import { shippedParts } from '../../lib/parts.js';
import { Choices } from '../../lib/stress/plan.js';
import { ScarceRoom } from '../../lib/stress/scarce-room.js';
import { PAGE, SWAP_ALL } from '../support/engines.js';

const PAGES = 640;

function engineWith(room: ScarceRoom): DirtyMemory {
  return openEngine(
    { pagesPerBlock: 64, maxRamBytes: 1024 * PAGE, debug: true },
    {
      swapPolicy: SWAP_ALL,
      allocator: (...of) => room.plantInAllocator(shippedParts.allocator(...of)),
      tables: (...of) => room.plantInTables(shippedParts.tables(...of)),
      rcu: (...of) => room.plantInRcu(shippedParts.rcu(...of)),
    },
  ).memory;
}

describe('an arena with room for some of the blocks of a swap', () => {
  it('has harvests deliver everything, or give up and lose nothing, and keeps nothing', async () => {
    const room = new ScarceRoom(new Choices(1, 2), undefined);
    const memory = engineWith(room);
    memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
    await memory.rcu.barrier();
    const before = memory.stats().arenaBytesInUse;
    let givenUp = 0;
    for (let i = 0; i < 300; i++) {
      memory.setDirtyRange(0, PAGES * PAGE, CODE);
      try {
        const { set, added } = await memory.harvest(CODE);
        expect(added).to.equal(PAGES);
        set.dispose();
      } catch (error) {
        expect(error).to.be.instanceOf(ArenaFullError);
        givenUp++;
        await memory.rcu.barrier();
        expect(memory.allDirty(0, PAGES * PAGE, CODE)).to.equal(true);
      }
    }
    await memory.rcu.barrier();
    expect(room.partialSwaps).to.be.above(50);
    expect(givenUp).to.be.within(20, 150);
    expect(memory.stats().arenaBytesInUse).to.equal(before);
    await memory.close();
  });

  it('gives up no harvest of the client that is spared', async () => {
    const room = new ScarceRoom(new Choices(1, 2), CODE);
    const memory = engineWith(room);
    memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
    for (let i = 0; i < 100; i++) {
      memory.setDirtyRange(0, PAGES * PAGE, CODE);
      const { set, added } = await memory.harvest(CODE);
      expect(added).to.equal(PAGES);
      set.dispose();
    }
    expect(room.partialSwaps).to.be.above(20);
    await memory.close();
  });
});
