import { expect } from 'chai';
import { DirtyMemory, MIGRATION } from '../../lib/index.js';

const PAGE = 4096;

describe('a page set whose pages are deleted', () => {
  it('gives whole blocks back to the arena, keeps the others, and can be added to again', async () => {
    const memory = DirtyMemory.create({ pagesPerBlock: 64, maxRamBytes: 640 * PAGE, debug: true });
    memory.ram.plug({ id: 'ram', size: 256 * PAGE });
    await memory.rcu.barrier(); // the tables that the plug replaced are freed
    const before = memory.stats().arenaBytesInUse;
    const { set } = await memory.harvest(MIGRATION);
    const full = memory.stats().arenaBytesInUse;
    expect(full).to.be.above(before);
    const block = (full - before) / 4;
    expect(set.delete(0, 100 * PAGE), 'one block and a part of the next').to.equal(100);
    expect(memory.stats().arenaBytesInUse).to.equal(full - block);
    expect([...set.runs()]).to.deep.equal([{ start: 100 * PAGE, length: 156 * PAGE }]);
    memory.setDirtyRange(10 * PAGE, 100 * PAGE, MIGRATION);
    expect((await memory.harvest(MIGRATION, { into: set })).added).to.equal(90);
    expect(set.pages).to.equal(246);
    expect(set.delete(0, 256 * PAGE)).to.equal(246);
    expect(memory.stats().arenaBytesInUse).to.equal(before);
    expect(set.pages).to.equal(0);
    await memory.close();
  });
});
