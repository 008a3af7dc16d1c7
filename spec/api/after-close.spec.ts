/** What a closed engine still does by itself, which is nothing: its memory may be another engine's. */
import { expect } from 'chai';
import { DirtyMemory, VGA } from '../../lib/index.js';
import { CLIENTS, PAGE, turn } from '../support/engines.js';

describe('an engine that is closed while freed blocks wait to be zeroed', () => {
  it('leaves them to the next engine in the same memory, whose RAM stays dirty', async () => {
    const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
    const options = { memory, pageSize: PAGE, pagesPerBlock: 2 ** 15, maxRamBytes: 2 ** 33, arenaBytes: 2 ** 22 };
    const size = 2 ** 31;
    const first = DirtyMemory.create(options);
    first.ram.plug({ id: 'ram', size });
    for (const client of CLIENTS) (await first.harvest(client)).set.dispose();
    const { freeBlocks, zeroedBlocks } = first.stats();
    expect(freeBlocks - zeroedBlocks, 'blocks to zero').to.be.above(3);
    await first.close();
    const next = DirtyMemory.create(options);
    next.ram.plug({ id: 'ram', size });
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(CLIENTS.map((client) => next.allDirty(0, size, client))).to.deep.equal([true, true, true]);
    expect(next.isDirty(size - 1, 1, VGA)).to.equal(true);
    await next.close();
  });
});
