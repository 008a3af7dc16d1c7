import { expect } from 'chai';
import { engineOf } from '../../lib/dirty-memory.js';
import { ArenaFullError, type DirtyMemory, MIGRATION, type PageSet, VGA } from '../../lib/index.js';
import {
  cleanAll,
  describeEngines,
  dirtyPages,
  PAGE,
  pagesOf,
  range,
  SWAP_ALL,
  smallEngine,
} from '../support/engines.js';
import { expectReject } from '../support/refusals.js';

const BLOCK = 64;

describeEngines('a harvest that swaps bitmap blocks out', () => {
  let memory: DirtyMemory;
  /** Of one bitmap block each, to fill the arena with. */
  let sets: PageSet[];

  /** Has RAM of so many bitmap blocks, all clean, whose replaced tables are free again. */
  async function setUp(blocks: number): Promise<void> {
    memory = smallEngine({ arenaBytes: 2 ** 16 }, SWAP_ALL);
    memory.ram.plug({ id: 'ram', size: blocks * BLOCK * PAGE });
    await memory.rcu.synchronize();
    cleanAll(memory);
    sets = [];
  }

  /** Leaves the arena with room for so many blocks, and for no table but those that are free. */
  function leaveRoomFor(blocks: number): void {
    expect(() => {
      for (;;) {
        memory.setDirty(0, VGA);
        sets.push(memory.whileStopped.harvest(VGA).set);
      }
    }).to.throw(ArenaFullError);
    for (let i = 0; i < blocks; i++) sets.pop()?.dispose();
    expect(memory.stats().freeBlocks).to.equal(blocks);
  }

  it('replaces each dense block by a fresh one', async () => {
    await setUp(3);
    for (const page of [5, 70]) memory.setDirty(page * PAGE, MIGRATION);
    const { set } = await memory.harvest(MIGRATION);
    expect(pagesOf(set)).to.deep.equal([5, 70]);
    expect(memory.stats().blocksSwapped).to.equal(2);
  });

  it('takes of dense blocks that its range does not have whole the range alone', async () => {
    await setUp(3);
    for (const page of [5, 20, 70, 130, 180]) memory.setDirty(page * PAGE, MIGRATION);
    const set = await memory.snapshotAndClear(10 * PAGE, 140 * PAGE, MIGRATION);
    expect(pagesOf(set)).to.deep.equal([20, 70, 130]);
    expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 180]);
    expect(memory.stats().blocksSwapped).to.equal(1);
  });

  it('goes on word by word with a block of which it has taken a part, however dense it becomes meanwhile', async () => {
    memory = smallEngine({}, { oneIn: 1, leastWords: 1 });
    const block = memory.ram.plug({ id: 'ram', size: BLOCK * PAGE });
    await block.discard(10 * PAGE, 10 * PAGE);
    cleanAll(memory);
    for (const page of [5, 25]) memory.setDirty(page * PAGE, MIGRATION); // both in the first of two words
    const { kernel } = engineOf(memory);
    const takeLive = kernel.takeLive.bind(kernel);
    let calls = 0;
    kernel.takeLive = (...args) => {
      const taken = takeLive(...args);
      if (++calls === 1) for (const page of [6, 40]) memory.setDirty(page * PAGE, MIGRATION);
      return taken;
    };
    const { set } = await memory.harvest(MIGRATION);
    expect(pagesOf(set)).to.deep.equal([5, 25, 40]);
    expect(memory.stats().blocksSwapped).to.equal(0);
    expect(dirtyPages(memory, MIGRATION)).to.deep.equal([6]);
  });

  it('empties the blocks word by word where there is no room for a table, and keeps no block', async () => {
    await setUp(13); // whose tables are larger than the empty ones that are free
    leaveRoomFor(2);
    for (const page of [5, 70]) memory.setDirty(page * PAGE, MIGRATION);
    const before = memory.stats();
    const { set } = await memory.harvest(MIGRATION);
    expect(pagesOf(set)).to.deep.equal([5, 70]);
    set.dispose();
    const { blocksSwapped, freeBlocks, arenaBytesInUse, freeTables } = before;
    expect(memory.stats()).to.include({ blocksSwapped, freeBlocks, arenaBytesInUse, freeTables });
  });

  it('is refused where there is room for all blocks but one, loses no page and no memory', async () => {
    await setUp(3);
    leaveRoomFor(2);
    memory.setDirtyRange(0, 3 * BLOCK * PAGE, MIGRATION);
    const before = memory.stats();
    expect(before.freeTables, 'there is room for the table').to.be.above(0);
    await expectReject(() => memory.harvest(MIGRATION), ArenaFullError, 'harvest', 'page set block');
    await memory.rcu.synchronize();
    expect(dirtyPages(memory, MIGRATION)).to.deep.equal(range(0, 3 * BLOCK));
    const { blocksSwapped, freeBlocks, arenaBytesInUse, freeTables } = before;
    expect(memory.stats()).to.include({ blocksSwapped, freeBlocks, arenaBytesInUse, freeTables });
    sets.pop()?.dispose();
    const { added } = await memory.harvest(MIGRATION);
    expect(added).to.equal(3 * BLOCK);
    expect(memory.stats().blocksSwapped).to.equal(blocksSwapped + 3);
  });
});
