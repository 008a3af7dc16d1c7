/** Users of one client share its live bits, and each has a dirty set of its own: a spec for each rule. */
import { expect } from 'chai';
import { describeHoarders } from '../../lib/dirty/users.js';
import { engineOf } from '../../lib/dirty-memory.js';
import {
  ArenaFullError,
  DirtyMemory,
  GracePeriodTimeout,
  MIGRATION,
  type Tracking,
  UsageError,
} from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import {
  cleanAll,
  describeEngines,
  dirtyPages,
  foreignVcpu,
  PAGE,
  pagesOf,
  range,
  reportUntil,
  SWAP_ALL,
  smallEngine,
  whileOffline,
} from '../support/engines.js';
import { track as watch } from '../support/promises.js';
import { expectReject } from '../support/refusals.js';

const PAGES = 200;
const ALL = range(0, PAGES);

/** @returns what bitmap blocks are allocated for from now on */
function purposesOf(memory: DirtyMemory): string[] {
  const { allocator } = engineOf(memory);
  const { allocateBlock } = allocator;
  const purposes: string[] = [];
  allocator.allocateBlock = (purpose) => {
    purposes.push(purpose);
    return allocateBlock.call(allocator, purpose);
  };
  return purposes;
}

/** There is no room for blocks whose purpose has these words. @returns how to make it again */
function refuseBlocks(memory: DirtyMemory, words: string): () => void {
  const { allocator } = engineOf(memory);
  const { allocateBlock } = allocator;
  allocator.allocateBlock = (purpose) => {
    if (purpose.includes(words)) throw new ArenaFullError(`${purpose}: injected`);
    return allocateBlock.call(allocator, purpose);
  };
  return () => Reflect.deleteProperty(allocator, 'allocateBlock');
}

for (const swaps of [false, true]) {
  describeEngines(`users of one client, whose bits are ${swaps ? 'swapped out' : 'taken word by word'}`, () => {
    let memory: DirtyMemory;
    let vcpu: Vcpu;
    let first: Tracking;
    let second: Tracking;

    /** Nothing is dirty for anybody. */
    beforeEach(async () => {
      memory = smallEngine({}, swaps ? SWAP_ALL : undefined);
      memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
      cleanAll(memory);
      first = await memory.track(MIGRATION, { name: 'first' });
      second = await memory.track(MIGRATION, { name: 'second' });
      for (const user of [first, second]) (await user.harvest()).set.dispose();
      vcpu = foreignVcpu(memory);
    });
    afterEach(async () => {
      if (vcpu.online) vcpu.detach();
      await memory.close();
    });

    const store = (...pages: number[]): void => {
      for (const page of pages) vcpu.mark(page * PAGE);
    };
    const harvest = async (user: Tracking, maxPages?: number): Promise<number[]> => {
      const options = maxPages === undefined ? {} : { maxPages };
      const { set } = await reportUntil(vcpu, user.harvest(options));
      const pages = pagesOf(set);
      set.dispose();
      return pages;
    };

    it('each collect every page that was stored to, whoever collects first', async () => {
      store(5, 70);
      expect(await harvest(first)).to.deep.equal([5, 70]);
      store(6);
      expect(await harvest(second)).to.deep.equal([5, 6, 70]);
      expect(await harvest(second)).to.deep.equal([]);
      expect(await harvest(first)).to.deep.equal([6]);
      expect(pagesOf((await memory.harvest(MIGRATION)).set), "the engine's own").to.deep.equal([5, 6, 70]);
    });

    it('are told what is dirty for them; a vCPU sees the live bits', async () => {
      store(5);
      await harvest(first);
      expect([first, second].map((user) => user.isDirty(5 * PAGE, 1))).to.deep.equal([false, true]);
      expect([first, second].map((user) => user.allDirty(5 * PAGE, 1))).to.deep.equal([false, true]);
      expect([first, second].map((user) => pagesOf(user.dirty()))).to.deep.equal([[], [5]]);
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION)).to.equal(false);
      expect(vcpu.mark(5 * PAGE)).to.equal(MIGRATION);
      expect(second.pending).to.equal(1);
    });

    it('to one that comes all RAM is dirty, but not what lies between', async () => {
      const far = memory.ram.plug({ id: 'far', offset: 256 * PAGE, size: PAGE });
      const third = await reportUntil(vcpu, memory.track(MIGRATION));
      expect([third.allDirty(0, PAGES * PAGE), third.allDirty(far.offset, PAGE)]).to.deep.equal([true, true]);
      expect(third.allDirty(0, far.offset + PAGE)).to.equal(false);
      expect(third.allDirty(PAGES * PAGE, PAGE)).to.equal(false);
    });

    it('to one that comes all RAM is dirty; it leaves the others alone, and costs no memory until it has collected', async () => {
      const purposes = purposesOf(memory);
      const third = await reportUntil(vcpu, memory.track(MIGRATION, { name: 'third' }));
      expect([third.name, third.pending]).to.deep.equal(['third', PAGES]);
      expect([first, second].map((user) => pagesOf(user.dirty()))).to.deep.equal([[], []]);
      store(5);
      await harvest(first);
      expect(purposes.filter((purpose) => purpose.includes("'second'"))).to.have.lengthOf(1);
      expect(purposes.filter((purpose) => purpose.includes("'third'"))).to.deep.equal([]);
      expect(pagesOf(third.dirty())).to.deep.equal(ALL);
      expect(await harvest(third)).to.deep.equal(ALL);
      expect(await harvest(third)).to.deep.equal([]);
    });

    it('are given nothing at the clear, and everything at the delivery', async () => {
      store(5);
      const harvested = first.harvest();
      expect([second.pending, second.isDirty(5 * PAGE, 1)], 'in flight').to.deep.equal([0, true]);
      await reportUntil(vcpu, harvested);
      expect([second.pending, second.isDirty(5 * PAGE, 1)], 'delivered').to.deep.equal([1, true]);
    });

    it('have nothing of a collection that is given up, whose bits go back, and keep what was pending', async () => {
      store(5);
      await harvest(first);
      store(6);
      await expectReject(() => second.harvest({ timeoutMs: 0 }), GracePeriodTimeout);
      await reportUntil(vcpu, memory.rcu.synchronize());
      await reportUntil(vcpu, memory.rcu.synchronize());
      expect([first.pending, second.pending]).to.deep.equal([0, 1]);
      expect(await harvest(second)).to.deep.equal([5, 6]);
      expect(await harvest(first)).to.deep.equal([6]);
    });

    it('deliver to nobody where there is no room for one of them, which is named', async () => {
      store(5);
      const bytes = memory.stats().arenaBytesInUse;
      const giveRoom = refuseBlocks(memory, "'second'");
      const collected = reportUntil(vcpu, first.harvest());
      await expectReject(() => collected, ArenaFullError, 'harvest', "'second'", 'stop it');
      expect(memory.stats().arenaBytesInUse, 'nor keep room for those that there was room for').to.equal(bytes);
      expect([first, second].map((user) => user.pending)).to.deep.equal([0, 0]);
      giveRoom();
      expect(await harvest(second)).to.deep.equal([5]);
      expect(await harvest(first)).to.deep.equal([5]);
    });

    it('are named to whom the arena is full while they keep what others have collected, and nobody else is', async () => {
      const bitmaps = [engineOf(memory).bitmapOf(MIGRATION)];
      expect(describeHoarders(bitmaps)).to.equal('');
      store(5, 70);
      await harvest(first);
      expect(describeHoarders(bitmaps)).to.include("'second' (2 pages of MIGRATION)").and.not.include("'first'");
      (await memory.harvest(MIGRATION)).set.dispose();
      expect(describeHoarders(bitmaps)).to.match(/: 'second' \(2 pages of MIGRATION\); /);
      await harvest(second);
      expect(describeHoarders(bitmaps)).to.equal('');
    });

    it('are handed on a block that was swapped out, of which the one who collects had pages: that needs no room', async () => {
      store(6);
      await harvest(second);
      store(5);
      const giveRoom = refuseBlocks(memory, "'second'");
      const collected = reportUntil(vcpu, first.harvest());
      if (swaps) expect(pagesOf((await collected).set)).to.deep.equal([5, 6]);
      else await expectReject(() => collected, ArenaFullError, "'second'");
      giveRoom();
      expect(await harvest(second)).to.deep.equal([5]);
      expect(await harvest(first)).to.deep.equal(swaps ? [] : [5, 6]);
    });

    for (const [title, own] of [
      ['is empty', []],
      ['has pages of each bitmap block', [5, 71, 140, 199]],
      ['has pages of one bitmap block', [6]],
      ['has all', ALL],
    ] as const) {
      it(`are told how many pages are new in a set that ${title}, and pages of both kinds count once`, async () => {
        for (let round = 0; round < 2; round++) {
          store(6, 70);
          expect(await harvest(second)).to.include.members([6, 70]);
          store(5, 6, 130);
          const into = memory.createPageSet();
          for (const page of own) into.add(page * PAGE, PAGE);
          const { added, set } = await reportUntil(vcpu, first.harvest({ into }));
          const wanted = new Set([...own, 5, 6, 70, 130]);
          expect(set).to.equal(into);
          expect(pagesOf(set)).to.deep.equal([...wanted].sort((a, b) => a - b));
          expect(added).to.equal(wanted.size - own.length);
          expect(set.pages).to.equal(wanted.size);
          set.dispose();
          expect(second.pending, 'of the other').to.equal(3);
        }
        expect(await harvest(second)).to.deep.equal([5, 6, 130]);
      });
    }

    it('keep of what another has collected no more than that, however much was pending for it', async () => {
      const third = await reportUntil(vcpu, memory.track(MIGRATION, { name: 'third' }));
      const purposes = purposesOf(memory);
      store(5);
      expect(await harvest(third)).to.deep.equal(ALL);
      expect(new Set(purposes.filter((purpose) => purpose.includes("'second'"))).size).to.be.at.most(1);
      expect(await harvest(second)).to.deep.equal([5]);
    });

    it('wait for no reader where all that is dirty was collected by others', async () => {
      store(5);
      await harvest(first);
      const { gracePeriods } = memory.stats();
      expect(pagesOf((await second.harvest()).set)).to.deep.equal([5]);
      expect(memory.stats().gracePeriods).to.equal(gracePeriods);
    });

    it('have at most so many pages at a time, those first that others have collected, each from where it stopped', async () => {
      store(5, 70, 71, 130);
      await harvest(first);
      store(9, 190);
      expect(await harvest(second, 3)).to.deep.equal([5, 70, 71]);
      expect(await harvest(second, 2), 'from page 72 on').to.deep.equal([130, 190]);
      expect(await harvest(first, 1)).to.deep.equal([190]);
      expect(await harvest(second, 5)).to.deep.equal([9]);
      expect(await harvest(first, 5)).to.deep.equal([9]);
    });

    it('have the first pages first, from the first time on', async () => {
      const third = await reportUntil(vcpu, memory.track(MIGRATION));
      expect(await harvest(third, 2)).to.deep.equal([0, 1]);
      expect(await harvest(third, 1)).to.deep.equal([2]);
    });

    it('have a page once that others have collected and that was stored to again', async () => {
      store(5);
      await harvest(first);
      store(5, 6);
      expect(await harvest(second, 1)).to.deep.equal([5]);
      expect(await harvest(second)).to.deep.equal([6]);
      expect(await harvest(first)).to.deep.equal([5, 6]);
    });

    it('move only what is pending within a range', async () => {
      store(5, 6, 70);
      await harvest(first);
      expect(pagesOf(await reportUntil(vcpu, second.snapshotAndClear(6 * PAGE, 64 * PAGE)))).to.deep.equal([6]);
      expect(await reportUntil(vcpu, second.testAndClear(0, 10 * PAGE))).to.equal(true);
      expect(await reportUntil(vcpu, second.testAndClear(0, 10 * PAGE))).to.equal(false);
      expect(await harvest(second)).to.deep.equal([70]);
      const third = await reportUntil(vcpu, memory.track(MIGRATION));
      expect(await reportUntil(vcpu, third.testAndClear(0, 190 * PAGE))).to.equal(true);
      expect(third.pending).to.equal(10);
      expect(await harvest(third)).to.deep.equal(range(190, PAGES));
    });

    it('forget RAM that is unplugged, and find what is plugged in its place', async () => {
      const gone = memory.ram.plug({ id: 'gone', offset: 300 * PAGE, size: 10 * PAGE });
      await harvest(first);
      expect(second.pending).to.equal(10);
      await reportUntil(vcpu, memory.ram.unplug(gone));
      expect([second.pending, await harvest(second)]).to.deep.equal([0, []]);
      memory.ram.plug({ id: 'new', offset: 305 * PAGE, size: 2 * PAGE });
      expect(await harvest(first)).to.deep.equal([305, 306]);
      expect(await harvest(second)).to.deep.equal([305, 306]);
    });

    it('end when the collections that they have called have ended, and their memory is free again', async () => {
      const third = await reportUntil(vcpu, memory.track(MIGRATION, { name: 'third' }));
      await harvest(third);
      store(5);
      await harvest(first);
      const bytes = memory.stats().arenaBytesInUse;
      const last = third.harvest();
      const stopped = watch(third.stop());
      store(6);
      const { set } = await reportUntil(vcpu, last);
      expect(pagesOf(set)).to.include(5);
      set.dispose();
      await reportUntil(vcpu, third.stop());
      expect(stopped.settled).to.equal(true);
      expect(memory.stats().arenaBytesInUse).to.be.below(bytes);
      await expectReject(() => third.harvest(), UsageError, "'third'", 'has stopped', 'call track again');
      expect(() => third.isDirty(0, 1)).to.throw(UsageError, "isDirty: 'third' has stopped tracking MIGRATION");
      expect(() => third.pending).to.throw(UsageError, "pending: 'third' has stopped");
      expect(() => whileOffline(memory, () => third.whileStopped.harvest())).to.throw(UsageError, 'has stopped');
    });

    it('is not the one who measures: it takes part, and nothing is kept for it', async () => {
      const measured = memory.measureDirtyRate({ windowMs: 1, client: MIGRATION });
      store(5);
      await reportUntil(vcpu, measured);
      expect(await harvest(first)).to.deep.equal([5]);
      expect(await harvest(second)).to.deep.equal([5]);
      const measuring = memory.measureDirtyRate({ windowMs: 1, client: MIGRATION });
      const purposes = purposesOf(memory);
      store(6);
      expect(await harvest(first)).to.deep.equal([6]);
      await reportUntil(vcpu, measuring);
      expect(purposes.filter((purpose) => purpose.startsWith('pages pending for'))).to.have.lengthOf.at.most(2);
      expect(purposes.filter((purpose) => purpose.includes("'measureDirtyRate'"))).to.deep.equal([]);
    });

    it('who collect while readers are stopped have what another collection has in flight, which delivers as ever', async () => {
      store(5);
      const inFlight = first.harvest();
      const set = whileOffline(memory, () => second.whileStopped.harvest().set);
      expect(pagesOf(set)).to.deep.equal([5]);
      expect(pagesOf((await reportUntil(vcpu, inFlight)).set)).to.deep.equal([5]);
      expect(await harvest(second), 'twice, and never too seldom').to.deep.equal([5]);
    });

    it('who collect a range while readers are stopped have of what is in flight that range alone', async () => {
      store(5, 70);
      const inFlight = first.harvest();
      const set = whileOffline(memory, () => second.whileStopped.snapshotAndClear(10 * PAGE, 100 * PAGE));
      expect(pagesOf(set)).to.deep.equal([70]);
      expect(pagesOf((await reportUntil(vcpu, inFlight)).set)).to.deep.equal([5, 70]);
    });

    it('are handed no page of RAM that is unplugged while the collection that took it waits', async () => {
      const gone = memory.ram.plug({ id: 'gone', offset: 300 * PAGE, size: 10 * PAGE });
      await harvest(second);
      store(5, 305);
      const bounded = first.harvest({ maxPages: 50 });
      const unplugged = memory.ram.unplug(gone);
      const set = whileOffline(memory, () => second.whileStopped.harvest().set);
      expect(pagesOf(set), 'what is in flight').to.deep.equal([5]);
      await reportUntil(vcpu, unplugged);
      expect(pagesOf((await reportUntil(vcpu, bounded)).set), 'that, and what was pending').to.deep.equal([5]);
    });

    it('keep no memory of what was chosen for a bounded collection, given up or not', async () => {
      const bytes: number[] = [];
      for (let round = 0; round < 3; round++) {
        store(5, 70);
        await harvest(second);
        store(6);
        await expectReject(() => first.harvest({ maxPages: 3, timeoutMs: 0 }), GracePeriodTimeout);
        await reportUntil(vcpu, memory.rcu.synchronize());
        await reportUntil(vcpu, memory.rcu.synchronize());
        expect(await harvest(first, 3)).to.have.members([5, 6, 70]);
        expect(await harvest(second)).to.deep.equal([6]);
        await reportUntil(vcpu, memory.rcu.synchronize());
        bytes.push(memory.stats().arenaBytesInUse);
      }
      expect(bytes[2]).to.equal(bytes[1]);
    });

    it('who collect while readers are stopped have what is pending, and leave it to the others', async () => {
      store(5);
      await harvest(first);
      store(6);
      const set = whileOffline(memory, () => second.whileStopped.harvest().set);
      expect(pagesOf(set)).to.deep.equal([5, 6]);
      expect(await harvest(first)).to.deep.equal([6]);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 6]);
    });
  });
}

describe('the default arena', () => {
  const RAM = 2 ** 34;

  /** Each harvests in turn what is dirty everywhere. */
  async function harvestInTurn(users: number, keep: boolean): Promise<void> {
    const memory = DirtyMemory.create({ maxRamBytes: RAM });
    memory.ram.plug({ id: 'ram', size: RAM });
    const trackings = [];
    for (let i = 0; i < users; i++) trackings.push(await memory.track(MIGRATION));
    for (let round = 0; round < 3; round++) {
      for (const user of trackings) {
        memory.setDirtyRange(0, RAM, 7);
        const { set } = await user.harvest();
        expect(set.pages).to.equal(RAM / PAGE);
        if (!keep || round < 2) set.dispose();
      }
    }
    await memory.close();
  }

  it('has room for ten users for whom all RAM is pending', () => harvestInTurn(10, false));
  it('has room for five that each hold a set of all RAM besides', () => harvestInTurn(5, true));
});
