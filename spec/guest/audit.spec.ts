import { expect } from 'chai';
import { auditStores, GuestRam, type StoreAudit, type UnmarkedStore } from '../../lib/guest/index.js';
import { CODE, type DirtyMemory, MIGRATION, type RamBlock } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { describeEngines, foreignVcpu, PAGE, smallEngine, turn } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

describeEngines('The audit of stores', (shared) => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;
  let audit: StoreAudit;
  let ram: GuestRam;
  let low: RamBlock;
  let buffers: Map<RamBlock, Uint8Array>;

  const contents = (block: RamBlock): Uint8Array => {
    const known = buffers.get(block);
    if (known !== undefined) return known.subarray(0, block.size);
    const made = new Uint8Array(shared ? new SharedArrayBuffer(block.maxSize) : new ArrayBuffer(block.maxSize));
    buffers.set(block, made);
    return made.subarray(0, block.size);
  };
  const bytes = (): Uint8Array => buffers.get(low) as Uint8Array;
  const places = (found: readonly UnmarkedStore[]) =>
    found.map(({ block, offset, first, last }) => [block.id, offset, first, last]);
  /** Both forms of a check must find the same, when nobody runs. */
  const CHECKS = {
    'beside vCPUs': () => audit.check(),
    'while stopped': async () => audit.whileStopped.check(),
  };

  beforeEach(async () => {
    memory = smallEngine({ debug: false });
    buffers = new Map();
    low = memory.ram.plug({ id: 'low', size: 16 * PAGE, maxSize: 32 * PAGE });
    vcpu = attachVcpu(memory.handle);
    audit = await auditStores(memory, contents);
    expect(await audit.check()).to.deep.equal([]); // copies all RAM
    ram = new GuestRam(vcpu, bytes().subarray(0, low.size));
  });

  afterEach(async () => {
    await audit.stop();
    vcpu.detach();
    await memory.close();
  });

  for (const [how, check] of Object.entries(CHECKS)) {
    describe(how, () => {
      it('finds nothing while every store is marked, by whatever form', async () => {
        for (let i = 0; i < 20; i++) {
          ram.store64(3 * PAGE - 4, BigInt(i + 1));
          ram.fill(i, 5 * PAGE - 1, PAGE);
          ram.readModifyWrite('add', 7 * PAGE, 32, 1);
          memory.setDirty(9 * PAGE, MIGRATION);
          bytes()[9 * PAGE + 5] = i;
          if (i % 3 === 0) vcpu.quiescent();
          expect(places(await check())).to.deep.equal([]);
        }
        expect(audit.pagesCompared).to.be.at.least(100);
      });

      it('names the page, and the first and the last byte, of a store that was forgotten, once', async () => {
        bytes()[2 * PAGE + 17] = 1;
        bytes()[2 * PAGE + 40] = 1;
        expect(places(await check())).to.deep.equal([['low', 2 * PAGE, 2 * PAGE + 17, 2 * PAGE + 40]]);
        expect(await check()).to.deep.equal([]);
        bytes()[2 * PAGE + 17] = 2;
        expect(places(await check())).to.deep.equal([['low', 2 * PAGE, 2 * PAGE + 17, 2 * PAGE + 17]]);
      });

      it('names the second page of an unaligned store whose path marks only the first', async () => {
        vcpu.mark(4 * PAGE - 2);
        new DataView(bytes().buffer).setUint32(4 * PAGE - 2, 0x01020304, true);
        expect(places(await check())).to.deep.equal([['low', 4 * PAGE, 4 * PAGE, 4 * PAGE + 1]]);
      });

      it('names the page of an atomic whose path does not mark', async () => {
        Atomics.add(new Int32Array(bytes().buffer), (6 * PAGE + 8) / 4, 1);
        expect(places(await check())).to.deep.equal([['low', 6 * PAGE, 6 * PAGE + 8, 6 * PAGE + 8]]);
      });

      it('names the pages of a fill whose path marks one page too few', async () => {
        bytes().fill(9, 8 * PAGE, 11 * PAGE);
        vcpu.markRange(8 * PAGE, PAGE + 1, 7);
        expect(places(await check())).to.deep.equal([['low', 10 * PAGE, 10 * PAGE, 11 * PAGE - 1]]);
      });

      it('names what a mark for another client alone was made for', async () => {
        vcpu.markPage(3, CODE);
        bytes()[3 * PAGE] = 1;
        expect(places(await check())).to.deep.equal([['low', 3 * PAGE, 3 * PAGE, 3 * PAGE]]);
      });

      it('knows what other users collect, and takes nothing from them', async () => {
        ram.store8(PAGE, 1);
        const { set } = await memory.harvest(MIGRATION);
        set.dispose();
        expect(await check()).to.deep.equal([]);
        ram.store8(PAGE, 2);
        expect(await check()).to.deep.equal([]);
        expect(memory.isDirty(PAGE, 1, MIGRATION)).to.equal(true);
      });

      it('follows RAM that is plugged, resized, discarded, populated and unplugged', async () => {
        const dimm = memory.ram.plug({ id: 'dimm', size: 2 * PAGE });
        contents(dimm)[5] = 1; // before the first copy
        expect(await check()).to.deep.equal([]);
        contents(dimm)[6] = 1;
        await memory.ram.resize(low, 20 * PAGE);
        bytes()[18 * PAGE] = 1; // dirty: it is new
        expect(places(await check())).to.deep.equal([['dimm', 0, 6, 6]]);
        bytes()[19 * PAGE] = 1;
        bytes()[PAGE] = 1;
        expect(places(await check())).to.deep.equal([
          ['low', PAGE, PAGE, PAGE],
          ['low', 19 * PAGE, 19 * PAGE, 19 * PAGE],
        ]);
        await low.discard(2 * PAGE, PAGE);
        bytes().fill(0xff, 2 * PAGE, 3 * PAGE);
        expect(await check()).to.deep.equal([]);
        bytes().fill(0, 2 * PAGE, 3 * PAGE);
        low.populate(2 * PAGE, PAGE);
        expect(await check()).to.deep.equal([]);
        bytes()[2 * PAGE] = 1;
        await memory.ram.resize(low, 16 * PAGE);
        contents(dimm)[7] = 1;
        await memory.ram.unplug(dimm);
        const again = memory.ram.plug({ id: 'dimm', size: PAGE, offset: dimm.offset });
        contents(again)[7] = 1;
        expect(places(await check())).to.deep.equal([['low', 2 * PAGE, 2 * PAGE, 2 * PAGE]]);
        await memory.ram.resize(low, 20 * PAGE);
        expect(await check()).to.deep.equal([]);
        contents(again)[8] = 1;
        expect(places(await check())).to.deep.equal([['dimm', 0, 8, 8]]);
      });
    });
  }

  it('leaves out a block whose bytes it does not get, and asks again when the block has another size', async () => {
    const asked: string[] = [];
    const some = await auditStores(memory, (block) => {
      asked.push(block.id);
      return block === low && low.size === 16 * PAGE ? undefined : contents(block);
    });
    const dimm = memory.ram.plug({ id: 'dimm', size: PAGE });
    for (let i = 0; i < 3; i++) {
      bytes()[PAGE + i] = 1;
      contents(dimm)[i] = 1;
      expect(places(some.whileStopped.check())).to.deep.equal(i === 0 ? [] : [['dimm', 0, i, i]]);
    }
    expect(asked).to.deep.equal(['low', 'dimm']);
    await memory.ram.resize(low, 20 * PAGE);
    some.whileStopped.check();
    bytes()[PAGE] = 2;
    expect(places(some.whileStopped.check())).to.deep.equal([['low', PAGE, PAGE, PAGE]]);
    await some.stop();
  });

  it('beside vCPUs waits for the mark of a store whose interval is open', async () => {
    bytes()[PAGE] = 1; // the store first
    const found = audit.check();
    const others = new Promise((resolve) => setImmediate(resolve));
    vcpu.mark(PAGE); // in the same interval: the owner has not waited yet
    await others;
    expect(await found).to.deep.equal([]);
    expect(await audit.check()).to.deep.equal([]);
  });

  it('beside vCPUs does not name what is unplugged while it waits', async () => {
    bytes()[PAGE] = 1;
    const found = audit.check();
    const gone = memory.ram.unplug(low);
    expect(await found).to.deep.equal([]);
    await gone;
  });

  describe('beside a vCPU that the owner waits for, from the first look to the second', () => {
    let guest: Vcpu;

    /** @param meanwhile is called between the two looks; until then pages 1 and 2 differ, and are not dirty */
    const checkWhile = async (meanwhile: () => unknown): Promise<unknown[]> => {
      guest = foreignVcpu(memory);
      const before = audit.pagesCompared;
      const found = audit.check();
      guest.quiescent(); // the harvest's period ends
      for (const page of [1, 2]) Atomics.add(bytes(), page * PAGE + 3, 1);
      while (audit.pagesCompared === before) await turn();
      meanwhile();
      guest.quiescent();
      guest.goOffline(); // for what the other changes wait for
      return places(await found);
    };

    afterEach(() => guest.detach());

    it('names the pages that are still not dirty then', async () => {
      expect(await checkWhile(() => {})).to.deep.equal([
        ['low', PAGE, PAGE + 3, PAGE + 3],
        ['low', 2 * PAGE, 2 * PAGE + 3, 2 * PAGE + 3],
      ]);
      expect(await audit.check()).to.deep.equal([]);
    });

    it('waits for the marks of stores whose interval is open', async () => {
      expect(await checkWhile(() => guest.markRange(PAGE, 2 * PAGE, 7))).to.deep.equal([]);
      expect(await audit.check()).to.deep.equal([]);
    });

    it('does not name a page that is as it was after all', async () => {
      const restore = (): Uint8Array => bytes().fill(0, PAGE + 3, PAGE + 4);
      expect(await checkWhile(restore)).to.deep.equal([['low', 2 * PAGE, 2 * PAGE + 3, 2 * PAGE + 3]]);
    });

    it('is refused when the audit has stopped meanwhile', async () => {
      const stopped: Promise<void>[] = [];
      await expectReject(() => checkWhile(() => stopped.push(audit.stop())), TypeError, 'the audit of stores');
      await Promise.all(stopped);
    });

    it('does not name RAM that is gone, or was cut off or discarded', async () => {
      const dimm = memory.ram.plug({ id: 'dimm', size: 8 * PAGE });
      contents(dimm);
      expect(await audit.check()).to.deep.equal([]);
      const gone: Promise<unknown>[] = [];
      const found = await checkWhile(() => {
        gone.push(low.discard(2 * PAGE, PAGE), memory.ram.unplug(dimm));
        contents(dimm)[5] = 1;
      });
      expect(found).to.deep.equal([['low', PAGE, PAGE + 3, PAGE + 3]]);
      await Promise.all(gone);
      low.populate(2 * PAGE, PAGE);
      expect(await audit.check()).to.deep.equal([]);
      guest.detach();
      expect(await checkWhile(() => gone.push(memory.ram.resize(low, 2 * PAGE)))).to.deep.equal([
        ['low', PAGE, PAGE + 3, PAGE + 3],
      ]);
      await Promise.all(gone);
      guest.detach();
      expect(await checkWhile(() => gone.push(memory.ram.unplug(low)))).to.deep.equal([]);
      await Promise.all(gone);
    });
  });

  it('names each byte range by its own page, and gives the set that it collects back', async () => {
    bytes().fill(9, 8 * PAGE + 5, 10 * PAGE);
    expect(places(audit.whileStopped.check())).to.deep.equal([
      ['low', 8 * PAGE, 8 * PAGE + 5, 9 * PAGE - 1],
      ['low', 9 * PAGE, 9 * PAGE, 10 * PAGE - 1],
    ]);
    const { arenaBytesInUse } = memory.stats();
    for (let i = 0; i < 3; i++) {
      ram.store8(PAGE, i);
      expect(audit.whileStopped.check()).to.deep.equal([]);
    }
    expect(memory.stats().arenaBytesInUse).to.equal(arenaBytesInUse);
  });

  it('with maxPages goes around, page by page, from where it was', async () => {
    await memory.ram.resize(low, 32 * PAGE);
    const { offset } = memory.ram.plug({ id: 'hole', size: PAGE, offset: 50 * PAGE });
    const parts = await auditStores(memory, (block) => (block.offset === offset ? undefined : contents(block)), {
      maxPages: 4,
    });
    expect(parts.pagesCompared).to.equal(0);
    const dimm = memory.ram.plug({ id: 'dimm', size: 3 * PAGE, offset: 32 * PAGE });
    const pages = [
      ...Array.from({ length: 32 }, (_, page) => ['low', page * PAGE]),
      ...Array.from({ length: 3 }, (_, page) => ['dimm', page * PAGE]),
    ];
    const touchAll = (): void => {
      for (let page = 0; page < 32; page++) Atomics.add(bytes(), page * PAGE, 1);
      for (let page = 0; page < 3; page++) Atomics.add(contents(dimm), page * PAGE, 1);
    };
    const named = (): unknown[] => {
      touchAll();
      return parts.whileStopped.check().map(({ block, offset }) => [block.id, offset]);
    };
    let next = 0;
    const expected = (): unknown[] => {
      const from = next;
      // A check ends before the block that it began in.
      const length = from < 32 ? Math.min(4, 35 - from) : 4;
      next = (from + length) % 35;
      return Array.from({ length }, (_, i) => pages[(from + i) % 35]);
    };
    for (let i = 0; i < 9; i++) {
      expect(parts.whileStopped.check(), 'copied at first').to.deep.equal([]);
      expected();
    }
    for (let i = 0; i < 40; i++) expect(named()).to.deep.equal(expected());
    while (next < 32) expect(named()).to.deep.equal(expected());
    await memory.ram.unplug(dimm); // in which the next check would begin
    expect(named()).to.deep.equal(pages.slice(0, 4));
    await parts.stop();
  });

  it('has stopped when its collection under way has ended', async () => {
    for (const stop of ['stop', Symbol.asyncDispose] as const) {
      const ending = await auditStores(memory, contents);
      await ending.check();
      ram.store8(PAGE, 1);
      const guest = foreignVcpu(memory);
      const found = ending.check();
      let stopped = false;
      const end = ending[stop]().then(() => {
        stopped = true;
      });
      for (let i = 0; i < 5; i++) await turn();
      expect(stopped).to.equal(false);
      guest.detach();
      expect(await found).to.deep.equal([]);
      await end;
    }
  });

  it('forgets a block whose bytes it does not get any more', async () => {
    const some = await auditStores(memory, (block) => (block.size > 16 * PAGE ? undefined : contents(block)));
    expect(some.whileStopped.check()).to.deep.equal([]);
    await memory.ram.resize(low, 20 * PAGE);
    some.whileStopped.check();
    bytes()[PAGE] = 1;
    expect(some.whileStopped.check()).to.deep.equal([]);
    await some.stop();
  });

  it('audits pages of a byte or two', async () => {
    const tiny = smallEngine({ pageSize: 2, maxRamBytes: 2 ** 12, debug: false });
    const six = new Uint8Array(6);
    tiny.ram.plug({ id: 'tiny', size: 6 });
    const small = await auditStores(tiny, () => six);
    expect(small.whileStopped.check()).to.deep.equal([]);
    six[3] = 1;
    expect(places(small.whileStopped.check())).to.deep.equal([['tiny', 2, 3, 3]]);
    await small.stop();
    await tiny.close();
  });

  it('with maxPages goes through RAM in parts, and finds each store within as many checks as there are parts', async () => {
    const parts = await auditStores(memory, contents, { maxPages: 5 });
    const dimm = memory.ram.plug({ id: 'dimm', size: 3 * PAGE });
    contents(dimm);
    const round = async (): Promise<unknown[]> => {
      const found: unknown[] = [];
      for (let i = 0; i < 4; i++) found.push(...places(await parts.check()));
      return found;
    };
    expect(await round()).to.deep.equal([]);
    for (const at of [1, 9 * PAGE, 15 * PAGE]) bytes()[at] = 1;
    contents(dimm)[2 * PAGE] = 1;
    expect([...(await round()), ...(await round())]).to.have.deep.members([
      ['low', 0, 1, 1],
      ['low', 9 * PAGE, 9 * PAGE, 9 * PAGE],
      ['low', 15 * PAGE, 15 * PAGE, 15 * PAGE],
      ['dimm', 2 * PAGE, 2 * PAGE, 2 * PAGE],
    ]);
    const compared = parts.pagesCompared;
    await parts.check();
    expect(parts.pagesCompared - compared).to.equal(5);
    await parts.stop();
  });

  it('with maxPages begins anew where all RAM is gone that it would go on with', async () => {
    const parts = await auditStores(memory, contents, { maxPages: 4 });
    const dimm = memory.ram.plug({ id: 'dimm', size: 8 * PAGE });
    for (let i = 0; i < 5; i++) expect(parts.whileStopped.check(), 'copied at first').to.deep.equal([]);
    await memory.ram.unplug(dimm);
    bytes()[1] = 1;
    expect(places(parts.whileStopped.check())).to.deep.equal([['low', 0, 1, 1]]);
    await parts.stop();
  });

  it('compares each page once in a check without a limit', () => {
    audit.whileStopped.check();
    const before = audit.pagesCompared;
    audit.whileStopped.check();
    expect(audit.pagesCompared - before).to.equal(low.size / PAGE);
    ram.store8(PAGE, 1);
    audit.whileStopped.check();
    expect(audit.pagesCompared - before, 'but for a page that is copied').to.equal(2 * (low.size / PAGE) - 1);
  });

  it('names nothing wrongly after contents has thrown', async () => {
    const dimm = memory.ram.plug({ id: 'dimm', size: PAGE });
    const known = buffers.get(dimm);
    buffers.set(dimm, new Uint8Array(5));
    ram.store8(3 * PAGE, 1);
    await expectReject(() => audit.check(), TypeError, `${PAGE} bytes`);
    buffers.set(dimm, known ?? new Uint8Array(PAGE));
    expect(await audit.check()).to.deep.equal([]);
  });

  it('is one check at a time, and none when it has stopped', async () => {
    const first = audit.check();
    // In one step, because the first check may have ended after it.
    const second = expectReject(() => audit.check(), TypeError, 'a check of this audit is running');
    expectThrow(() => audit.whileStopped.check(), TypeError, 'a check of this audit is running');
    await second;
    await first;
    const { arenaBytesInUse } = memory.stats();
    const ending = await auditStores(memory, contents);
    expect(await ending.check()).to.deep.equal([]);
    await ending.stop();
    expect(memory.stats().arenaBytesInUse).to.equal(arenaBytesInUse);
    await ending.stop();
    await expectReject(() => ending.check(), TypeError, 'the audit of stores');
    let outer: StoreAudit;
    {
      await using scoped = await auditStores(memory, contents);
      expect(await scoped.check()).to.deep.equal([]);
      outer = scoped;
    }
    expect(memory.stats().arenaBytesInUse).to.equal(arenaBytesInUse);
    await expectReject(() => outer.check(), TypeError, 'the audit of stores');
  });

  it('while stopped refuses while a vCPU of another thread is online', async () => {
    if (!shared) return;
    const foreign = foreignVcpu(memory, 'stranger');
    expectThrow(() => audit.whileStopped.check(), TypeError, 'stranger');
    foreign.goOffline();
    expect(audit.whileStopped.check()).to.deep.equal([]);
    foreign.detach();
  });

  it('refuses bad arguments', async () => {
    await expectReject(() => auditStores({} as never, contents), TypeError, 'auditStores: memory');
    await expectReject(() => auditStores(memory, 5 as never), TypeError, 'auditStores: contents');
    for (const maxPages of [0, 2 ** 32 + 1, 1.5]) {
      await expectReject(() => auditStores(memory, contents, { maxPages }), RangeError, 'auditStores: maxPages');
    }
    await expectReject(() => auditStores(memory, contents, { client: 3 as never }), RangeError, 'auditStores: client');
    await expectReject(() => auditStores(memory, contents, { pages: 3 } as never), TypeError, 'pages');
    const all = { client: CODE, maxPages: 2 ** 32, timeoutMs: 60_000, signal: new AbortController().signal } as const;
    await (await auditStores(memory, contents, all)).stop();
  });
});
