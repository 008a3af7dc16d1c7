import { expect } from 'chai';
import type { RamBlock } from '../../lib/index.js';
import { CODE, type DirtyMemory, MIGRATION, type PageSet, UsageError } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import {
  CLIENTS,
  cleanAll,
  collectAtOnce,
  foreignVcpu,
  PAGE,
  pagesOf,
  reportUntil,
  smallEngine,
} from '../support/engines.js';
import { track, turns } from '../support/promises.js';
import { expectReject } from '../support/refusals.js';

describe('regressions: races and lost marks', () => {
  let memory: DirtyMemory;
  let dimm: RamBlock;
  let vcpu: Vcpu;

  beforeEach(() => {
    memory = smallEngine();
    dimm = memory.ram.plug({ id: 'dimm0', size: 256 * PAGE });
    cleanAll(memory);
    vcpu = foreignVcpu(memory);
  });

  afterEach(async () => {
    vcpu.detach();
    await memory.close();
  });

  describe('9458a9a1df1a: a store that landed after its page had been read, and its mark before, was never sent', () => {
    /** A page of one word, and its copy. */
    let page: number;
    let copy: number;
    let mark: () => void;
    /** When the store becomes visible: on hardware, later than a mark that follows it in the program, if that finds its
     *  bit set and so is no more than a load. */
    let store: () => void;
    beforeEach(() => {
      page = 0;
      copy = 0;
      mark = () => void vcpu.mark(7 * PAGE);
      store = () => {
        page = 1;
      };
    });

    const copyFrom = (set: PageSet): void => {
      if (set.has(7 * PAGE, PAGE)) copy = page;
      set.dispose();
    };
    const isLost = (): boolean => copy !== page && !memory.isDirty(7 * PAGE, PAGE, MIGRATION);

    const cases: { order: 'mark first' | 'store first'; dirtyBefore: boolean; collectAt: number }[] = [];
    for (const order of ['mark first', 'store first'] as const) {
      for (const dirtyBefore of [false, true]) {
        for (const collectAt of [0, 1, 2, 3]) cases.push({ order, dirtyBefore, collectAt });
      }
    }

    /** Runs the vCPU's interval step by step, the collection in between at one place. */
    const interleave = (of: (typeof cases)[number], collect: () => void): void => {
      if (of.dirtyBefore) memory.setDirty(7 * PAGE, MIGRATION);
      const steps = [...(of.order === 'mark first' ? [mark, store] : [store, mark]), () => vcpu.quiescent()];
      for (const [i, step] of steps.entries()) {
        if (i === of.collectAt) collect();
        step();
      }
      if (of.collectAt === steps.length) collect();
    };

    for (const of of cases) {
      const { order, dirtyBefore, collectAt } = of;
      const when = ['before it all', 'between the two', 'before the report', 'after the report'][collectAt];
      it(`${order}, page ${dirtyBefore ? 'dirty' : 'clean'} before, harvest ${when}: nothing is lost`, async () => {
        let harvest: Promise<void> | undefined;
        interleave(of, () => {
          harvest = memory.harvest(MIGRATION).then(({ set }) => copyFrom(set));
        });
        await reportUntil(vcpu, harvest as Promise<void>);
        expect(isLost()).to.equal(false);
        await reportUntil(
          vcpu,
          memory.harvest(MIGRATION).then(({ set }) => copyFrom(set)),
        );
        expect(copy, 'after one more harvest').to.equal(1);
      });
    }

    it('without the wait for the grace period just the store between the copy and the report is lost', () => {
      const lost = cases.filter((of) => {
        cleanAll(memory);
        [page, copy] = [0, 0];
        interleave(of, () => copyFrom(collectAtOnce(memory, MIGRATION)));
        return isLost();
      });
      expect(lost).to.deep.equal([
        { order: 'mark first', dirtyBefore: false, collectAt: 1 },
        { order: 'mark first', dirtyBefore: true, collectAt: 1 },
      ]);
    });

    for (const operation of ['testAndClear', 'snapshotAndClear', 'syncBitmap'] as const) {
      it(`${operation} waits too`, async () => {
        mark();
        const collections: Record<typeof operation, () => Promise<unknown>> = {
          testAndClear: () => memory.testAndClear(7 * PAGE, PAGE, MIGRATION),
          snapshotAndClear: () => memory.snapshotAndClear(0, dimm.size, MIGRATION),
          syncBitmap: () => memory.syncBitmap(dimm),
        };
        const collection = collections[operation]().then(() => {
          copy = page;
        });
        const tracked = track(collection);
        await turns();
        expect(tracked.settled).to.equal(false);
        store();
        vcpu.quiescent();
        await collection;
        expect(copy).to.equal(1);
      });
    }
  });

  describe('86cf9e15: that wait, from inside what it waited for, did not end', () => {
    it('a harvest from inside a section of the calling thread throws, and the bits stay', async () => {
      const own = attachVcpu(memory.handle, { name: 'own' });
      own.readLock();
      own.mark(3 * PAGE);
      await expectReject(() => memory.harvest(MIGRATION), UsageError, 'harvest', "'own'", 'read-side section');
      own.readUnlock();
      own.detach();
      const { set } = await reportUntil(vcpu, memory.harvest(MIGRATION));
      expect(pagesOf(set)).to.deep.equal([3]);
      set.dispose();
    });

    it('a harvest from a callback of a grace period ends', async () => {
      vcpu.mark(3 * PAGE);
      const added = new Promise((resolve, reject) => {
        memory.rcu.callRcu(() => {
          memory.harvest(MIGRATION).then(({ set }) => resolve(set.pages), reject);
        });
      });
      expect(await reportUntil(vcpu, added)).to.equal(1);
    });
  });

  describe("b0706b71, 71aec354: a thread's fast path went on for a page that another had cleaned", () => {
    const clears: [name: string, clear: () => Promise<unknown>][] = [
      ['harvest', () => memory.harvest(CODE)],
      ['testAndClear', () => memory.testAndClear(9 * PAGE, PAGE, CODE)],
      ['snapshotAndClear', () => memory.snapshotAndClear(0, dimm.size, CODE)],
    ];
    for (const debug of [false, true]) {
      for (const [name, clear] of clears) {
        it(`${name} clears a page whose block and table are cached: the next mark sets it${debug ? ', debug' : ''}`, async () => {
          vcpu.detach();
          await memory.close();
          memory = smallEngine({ debug });
          dimm = memory.ram.plug({ id: 'dimm0', size: 256 * PAGE });
          vcpu = foreignVcpu(memory);
          cleanAll(memory);
          expect(vcpu.mark(9 * PAGE)).to.equal(7);
          expect(vcpu.mark(9 * PAGE), 'the fast path').to.equal(0);
          const cleared = clear();
          expect(vcpu.mark(9 * PAGE), 'in the same interval, in mid-clear').to.equal(CODE);
          expect(vcpu.markPage(9, CODE)).to.equal(0);
          await reportUntil(vcpu, cleared);
          expect(memory.isDirty(9 * PAGE, PAGE, CODE)).to.equal(true);
          await reportUntil(vcpu, clear());
          expect(vcpu.markPage(9, CODE), 'in a later interval').to.equal(CODE);
          expect(vcpu.isDirty(9 * PAGE, PAGE, CODE)).to.equal(true);
        });
      }
    }

    it('RAM that is replaced under a cached block is marked where it is now', async () => {
      vcpu.detach();
      await memory.close();
      memory = smallEngine({ debug: false });
      vcpu = foreignVcpu(memory);
      const first = memory.ram.plug({ id: 'first', size: 64 * PAGE });
      await reportUntil(vcpu, memory.rcu.synchronize());
      vcpu.mark(0);
      await reportUntil(vcpu, memory.ram.unplug(first));
      // Takes the bitmap blocks that have become free.
      const other = memory.ram.plug({ id: 'other', size: 64 * PAGE, offset: 64 * PAGE });
      memory.ram.plug({ id: 'again', size: 64 * PAGE, offset: 0 });
      cleanAll(memory);
      expect(vcpu.mark(0), 'by the reload, in the interval of before').to.equal(7);
      for (const client of CLIENTS) {
        expect(memory.isDirty(0, PAGE, client)).to.equal(true);
        expect(memory.isDirty(other.offset, other.size, client)).to.equal(false);
      }
    });
  });

  describe('386a907b, c13221b5, 9d638407: the bitmap and its counter were updated apart', () => {
    const counted = (set: PageSet): { pages: number; popcount: number } => ({
      pages: set.pages,
      popcount: pagesOf(set).length,
    });

    it('a set counts what is in it, through harvests into it, deletions, aborts and unplugs', async () => {
      const into = memory.createPageSet();
      const random = (limit: number): number => {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        return Math.floor((seed / 2 ** 32) * limit);
      };
      let seed = 20240917;
      let extra: RamBlock | undefined;
      let added = 0;
      let deleted = 0;
      for (let round = 0; round < 200; round++) {
        for (let i = random(8); i > 0; i--) vcpu.markRange(random(200) * PAGE, random(50 * PAGE), 1 + random(7));
        if (round % 7 === 3) {
          const controller = new AbortController();
          const aborted = memory.harvest(MIGRATION, { into, signal: controller.signal });
          controller.abort(new Error('aborted'));
          await reportUntil(vcpu, aborted).then(
            (result) => {
              added += result.added;
            },
            () => {},
          );
        }
        if (round % 5 === 2) extra = memory.ram.plug({ id: 'extra', size: 64 * PAGE });
        const before = into.pages;
        const harvest = memory.harvest(MIGRATION, { into });
        if (extra !== undefined) {
          const unplugged = memory.ram.unplug(extra);
          extra = undefined;
          await reportUntil(vcpu, unplugged);
        }
        const result = await reportUntil(vcpu, harvest);
        added += result.added;
        expect(into.pages - before).to.equal(result.added);
        deleted += into.delete(random(250) * PAGE, random(6 * PAGE));
        const { pages, popcount } = counted(into);
        expect(pages, `round ${round}`).to.equal(popcount);
      }
      expect(into.pages).to.equal(added - deleted);
      expect(deleted).to.be.above(100);
      into.dispose();
    });

    it("a RAM block's own set does too, through syncs", async () => {
      let added = 0;
      for (let round = 0; round < 20; round++) {
        vcpu.markRange(round * 7 * PAGE, 10 * PAGE, MIGRATION);
        added += await reportUntil(vcpu, memory.syncBitmap(dimm));
        expect(counted(dimm.pages)).to.deep.equal({ pages: added, popcount: added });
      }
      expect(added).to.equal(19 * 7 + 10);
    });
  });

  describe('63268c49, f3321554: a lock was held across a callback, which then took it', () => {
    /** Everything that the engine's locks are there for, on all clients. */
    const everything = async (): Promise<void> => {
      const more = memory.ram.plug({ id: 'more', size: 64 * PAGE });
      const results = await Promise.all([
        ...CLIENTS.map((client) => memory.harvest(client)),
        ...CLIENTS.map((client) => memory.snapshotAndClear(0, dimm.size, client)),
        memory.testAndClear(0, PAGE, MIGRATION),
        memory.syncBitmap(dimm),
        memory.rcu.synchronize(),
        memory.rcu.barrier(),
      ]);
      expect(results).to.have.length(10);
      await memory.ram.unplug(more);
    };

    const callers: [name: string, call: (run: () => void) => void][] = [
      ['a callback of a grace period', (run) => memory.rcu.callRcu(run)],
      ['a listener to RAM', (run) => void memory.ram.addListener({ plugged: ({ id }) => id === 'dimm0' && run() })],
      [
        'a listener to stalls',
        (run) => {
          memory.on('stall', run);
          memory.rcu.startPoll();
        },
      ],
    ];
    for (const [name, call] of callers) {
      it(`${name} may do everything while a harvest is under way`, async () => {
        vcpu.detach();
        await memory.close();
        memory = smallEngine({ stallMs: 5 });
        dimm = memory.ram.plug({ id: 'dimm0', size: 64 * PAGE });
        vcpu = foreignVcpu(memory);
        const underWay = memory.harvest(MIGRATION);
        const done = new Promise<void>((resolve, reject) => {
          let first = true;
          call(() => {
            if (first) everything().then(resolve, reject);
            first = false;
          });
        });
        if (name === 'a listener to stalls') {
          await new Promise<void>((resolve) => {
            memory.on('stall', () => resolve());
          });
        }
        await reportUntil(vcpu, Promise.all([done, underWay]));
      });
    }

    it('whoever goes through the pages of one harvest may begin the next, into the same set', async () => {
      for (const page of [0, 10, 20, 200]) vcpu.markPage(page, MIGRATION);
      const { set } = await reportUntil(vcpu, memory.harvest(MIGRATION));
      const starts: number[] = [];
      for (const { start, length } of set.runs()) {
        starts.push(start / PAGE);
        set.delete(start, length);
        vcpu.mark(start);
        await reportUntil(vcpu, memory.harvest(MIGRATION, { into: set }));
      }
      expect(starts).to.deep.equal([0, 10, 20, 200]);
      expect(pagesOf(set), 'marked again while they were gone through').to.deep.equal([0, 10, 20, 200]);
      set.dispose();
    });
  });
});
