import { expect } from 'chai';
import { clientName } from '../../lib/dirty/client.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { ArenaFullError, CODE, type DirtyMemory, type RamBlock, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import {
  CLIENTS,
  cleanAll,
  describeEngines,
  dirtyPages,
  PAGE,
  pagesOf,
  range,
  smallEngine,
  stateOf,
  turn,
} from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

/** From its `nth` allocation on the engine has no more memory. @returns how to give it memory again */
function failAllocation(memory: DirtyMemory, nth: number): () => void {
  const { allocator } = engineOf(memory);
  let count = 0;
  for (const method of ['allocateBlock', 'allocateTable'] as const) {
    const original = allocator[method].bind(allocator) as (...args: never[]) => number;
    Object.defineProperty(allocator, method, {
      configurable: true,
      value: (...args: never[]) => {
        if (count++ >= nth) throw new ArenaFullError(`${args.at(-1)}: injected`);
        return original(...args);
      },
    });
  }
  return () => {
    for (const method of ['allocateBlock', 'allocateTable']) Reflect.deleteProperty(allocator, method);
  };
}

describeEngines('regressions: growth and hotplug', () => {
  it('QEMU b84f06c2bee7: bitmap blocks were counted by the RAM of the moment: 10,000 times the highest RAM goes and comes', async () => {
    const memory = smallEngine();
    memory.ram.plug({ id: 'low', size: 40 * PAGE });
    memory.ram.plug({ id: 'far', size: 10 * PAGE, offset: 500 * PAGE });
    cleanAll(memory);
    const vcpu = attachVcpu(memory.handle);
    const marked = [0, 31, 39, 500, 509];
    for (const page of marked) vcpu.mark(page * PAGE);
    const sizes = [300, 64, 1, 129];
    let highest = memory.ram.plug({ id: 'highest', size: 300 * PAGE, offset: 510 * PAGE });
    const used: number[] = [];
    for (let cycle = 0; cycle < 10_000; cycle++) {
      await memory.ram.unplug(highest);
      const size = sizes[cycle % sizes.length] as number;
      highest = memory.ram.plug({ id: 'highest', size: size * PAGE, offset: 510 * PAGE });
      vcpu.mark((510 + size - 1) * PAGE);
      if (cycle % 1000 === 999) {
        await memory.rcu.synchronize();
        used.push(memory.stats().arenaBytesInUse);
        const pages = [...marked, ...range(510, 510 + size)];
        for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal(pages);
      }
    }
    expect(used).to.deep.equal(used.map(() => used[0]));
    expect(memory.stats().arenaBytesPeak).to.be.below(4 * (used[0] as number));
  });

  describe('QEMU 39c350ee: a failed add went on', () => {
    /** RAM at both ends of a hole of blocks, so that new RAM needs blocks and tables; some pages are dirty. */
    function setUp(): DirtyMemory {
      const memory = smallEngine();
      memory.ram.plug({ id: 'low', size: 100 * PAGE });
      memory.ram.plug({ id: 'high', size: PAGE, offset: 400 * PAGE });
      cleanAll(memory);
      memory.setDirtyRange(90 * PAGE, 5 * PAGE, 7);
      return memory;
    }
    const options = { id: 'new', size: 150 * PAGE, offset: 110 * PAGE };
    /** New RAM reaches into one block that there is, and into three that there are not. */
    const steps = CLIENTS.flatMap((client) =>
      [2, 3, 4].map((block) => `bitmap block ${block} of client ${clientName(client)}`),
    );
    steps.push(...CLIENTS.map((client) => `block table of client ${clientName(client)}`));

    for (const [nth, what] of steps.entries()) {
      it(`a plug that fails at its ${what} leaves everything as it was`, async () => {
        const memory = setUp();
        const vcpu = attachVcpu(memory.handle);
        const heard: string[] = [];
        memory.ram.addListener({ plugged: (block) => heard.push(block.id) });
        await memory.rcu.synchronize();
        const before = stateOf(memory) as { stats: { arenaBytesInUse: number } };
        const mend = failAllocation(memory, nth);
        expectThrow(() => memory.ram.plug(options), ArenaFullError, "plug: 'new'", what);
        mend();
        const after = stateOf(memory) as { stats: Record<string, unknown> };
        // What was allocated first and given back waits for reuse, and counts for the peak.
        const kept = Object.entries(after.stats).filter(([counter]) => !/^free|^zeroed|Peak$/.test(counter));
        expect(before.stats).to.deep.include(Object.fromEntries(kept));
        expect({ ...after, stats: undefined }).to.deep.equal({ ...before, stats: undefined });
        expectThrow(() => vcpu.mark(200 * PAGE), RangeError, 'mark');
        await turn();
        expect(heard).to.deep.equal(['low', 'high']);
        expect(memory.ram.plug(options).offset).to.equal(options.offset);
        expect(dirtyPages(memory, CODE)).to.deep.equal([...range(90, 95), ...range(110, 260)]);
      });
    }

    it('these are all the steps there are', () => {
      const memory = setUp();
      failAllocation(memory, steps.length);
      memory.ram.plug(options);
    });

    it('a plug into an arena that is really full leaves everything as it was, and works once there is room', async () => {
      const memory = smallEngine({ arenaBytes: 2 ** 13 });
      const plugged: RamBlock[] = [];
      const plugNext = (): void => {
        for (;;) plugged.push(memory.ram.plug({ id: `ram${plugged.length}`, size: 64 * PAGE }));
      };
      expectThrow(plugNext, ArenaFullError, `plug: 'ram`, 'the arena is full');
      expect(plugged.length).to.be.above(5);
      await memory.rcu.synchronize();
      expect([...memory.ram]).to.deep.equal(plugged);
      expect(dirtyPages(memory, VGA)).to.deep.equal(range(0, plugged.length * 64));
      await memory.ram.unplug(plugged.pop()!);
      plugged.push(memory.ram.plug({ id: 'again', size: 64 * PAGE }));
      expect([...memory.ram]).to.deep.equal(plugged);
    });

    for (const [nth, client] of CLIENTS.entries()) {
      it(`an unplug that fails at the block table of client ${clientName(client)} leaves everything as it was`, async () => {
        const memory = setUp();
        const block = memory.ram.plug(options);
        await memory.rcu.synchronize();
        const before = stateOf(memory) as { stats: object };
        const mend = failAllocation(memory, nth);
        await expectReject(
          () => memory.ram.unplug(block),
          ArenaFullError,
          "unplug: 'new'",
          `block table of client ${clientName(client)}`,
        );
        mend();
        expect(stateOf(memory)).to.deep.equal(before);
        await memory.ram.unplug(block);
        expect(memory.ram.get('new')).to.equal(undefined);
      });
    }
  });

  it('QEMU 1f0fea38: a listener that was removed was not told of the RAM that it had been told of', async () => {
    const memory = smallEngine();
    const known = new Map<string, number>();
    const note = (id: string, change: number): void => {
      const count = (known.get(id) ?? 0) + change;
      if (count < 0) throw new Error(`${id} goes and never came`);
      known.set(id, count);
    };
    const listener = {
      plugged: ({ id }: RamBlock) => note(id, 1),
      unplugged: ({ id }: RamBlock) => note(id, -1),
    };
    memory.ram.plug({ id: 'before', size: PAGE });
    const remove = memory.ram.addListener(listener);
    const during = memory.ram.plug({ id: 'during', size: PAGE });
    memory.ram.plug({ id: 'left', size: PAGE });
    await memory.ram.unplug(during);
    await turn();
    expect([...known]).to.deep.equal([
      ['before', 1],
      ['during', 0],
      ['left', 1],
    ]);
    remove();
    memory.ram.plug({ id: 'after', size: PAGE });
    await turn();
    expect([...known.values()]).to.deep.equal([0, 0, 0]);
  });

  describe('QEMU 9c1f8f44, 4934a5dd', () => {
    it('a region was missed: a harvest has all RAM, in whatever order and sizes it came', async () => {
      const memory = smallEngine();
      const places = [
        [300, 1],
        [0, 65],
        [129, 63],
        [65, 1],
        [4095, 1],
        [1000, 200],
      ] as const;
      for (const [first, pages] of places) {
        memory.ram.plug({ id: `at ${first}`, size: pages * PAGE, offset: first * PAGE });
      }
      let synced = 0;
      for (const block of memory.ram) synced += await memory.syncBitmap(block);
      expect(synced).to.equal(331);
      const all = places.flatMap(([first, pages]) => range(first, first + pages)).sort((a, b) => a - b);
      expect(pagesOf((await memory.harvest(CODE)).set)).to.deep.equal(all);
    });

    it('a scan of nothing did not end: without RAM, and without dirty pages, everything answers', async () => {
      const memory = smallEngine();
      expect((await memory.harvest(CODE)).added).to.equal(0);
      expect([...memory.createPageSet().runs()]).to.deep.equal([]);
      const block = memory.ram.plug({ id: 'ram', size: 200 * PAGE });
      cleanAll(memory);
      expect((await memory.harvest(CODE)).added).to.equal(0);
      expect(await memory.syncBitmap(block)).to.equal(0);
      expect(await memory.testAndClear(0, 200 * PAGE, VGA)).to.equal(false);
      await memory.ram.unplug(block);
      expect((await memory.harvest(CODE)).added).to.equal(0);
      expect(memory.stats().gracePeriods).to.be.at.most(2);
    });
  });
});
