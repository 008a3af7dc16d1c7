import { expect } from 'chai';
import { engineOf } from '../../lib/dirty-memory.js';
import {
  ArenaFullError,
  CODE,
  type DirtyMemory,
  GracePeriodTimeout,
  MIGRATION,
  type PageSet,
  UsageError,
  VGA,
} from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import {
  cleanAll,
  describeEngines,
  dirtyPages,
  foreignVcpu,
  PAGE,
  pagesOf,
  range,
  reportUntil,
  smallEngine,
  turn,
} from '../support/engines.js';
import { track as watch } from '../support/promises.js';
import { expectReject, expectThrow } from '../support/refusals.js';

/** How a promise stands once the event loop has gone round. */
async function stateOfPromise(promise: Promise<unknown>): Promise<'pending' | 'resolved' | 'rejected'> {
  let state: 'pending' | 'resolved' | 'rejected' = 'pending';
  promise.then(
    () => {
      state = 'resolved';
    },
    () => {
      state = 'rejected';
    },
  );
  for (let i = 0; i < 3; i++) await turn();
  return state;
}

describeEngines('a collection', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  function setUp(...dirty: number[]): void {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 300 * PAGE });
    cleanAll(memory);
    vcpu = foreignVcpu(memory);
    for (const page of dirty) vcpu.mark(page * PAGE);
  }

  afterEach(() => vcpu.detach());

  it('resolves only when every online reader has reported', async () => {
    setUp(5, 70);
    const harvest = memory.harvest(MIGRATION);
    expect(await stateOfPromise(harvest)).to.equal('pending');
    vcpu.quiescent();
    expect(pagesOf((await harvest).set)).to.deep.equal([5, 70]);
  });

  it('does not wait for a reader that is offline', async () => {
    setUp(5);
    vcpu.goOffline();
    expect((await memory.harvest(MIGRATION)).added).to.equal(1);
    vcpu.goOnline();
  });

  it('waits for no grace period when nothing was dirty', async () => {
    setUp();
    const before = memory.stats().gracePeriods;
    expect((await memory.harvest(VGA)).added).to.equal(0);
    expect(await memory.testAndClear(0, 300 * PAGE, VGA)).to.equal(false);
    expect((await memory.snapshotAndClear(0, 300 * PAGE, CODE)).pages).to.equal(0);
    expect(await memory.syncBitmap(memory.ram.find(0)!)).to.equal(0);
    expect(memory.stats().gracePeriods).to.equal(before);
    expect(vcpu.kicked).to.equal(false);
  });

  it('lets the event loop turn where that is due, also when nothing was dirty', async () => {
    setUp();
    await memory.harvest(VGA);
    const due = performance.now() + 2;
    while (performance.now() < due);
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    await memory.harvest(VGA);
    expect(turned).to.equal(true);
  });

  it('is waited for by a close, and so are those that are queued behind it', async () => {
    setUp(5);
    const harvests = [memory.harvest(MIGRATION), memory.harvest(MIGRATION)];
    vcpu.mark(6 * PAGE);
    const settling = watch(
      engineOf(memory).collector.settle({ options: {}, since: 0, timeoutError: () => new Error('late') }),
    );
    await reportUntil(vcpu, Promise.all([...harvests, memory.close()]));
    expect(settling.settled).to.equal(true);
    for (const [nth, harvest] of harvests.entries()) expect((await harvest).added, `harvest ${nth}`).to.equal(1);
  });

  it("takes what is dirty at the call, and leaves what is marked while it waits to the client's next", async () => {
    setUp(5, 70);
    const harvest = memory.harvest(MIGRATION);
    vcpu.mark(6 * PAGE);
    vcpu.mark(70 * PAGE);
    expect(pagesOf((await reportUntil(vcpu, harvest)).set)).to.deep.equal([5, 70]);
    expect(dirtyPages(memory, MIGRATION)).to.deep.equal([6, 70]);
    const next = await reportUntil(vcpu, memory.harvest(MIGRATION));
    expect(pagesOf(next.set)).to.deep.equal([6, 70]);
  });

  it('has its bits count as dirty for the owner until it is delivered', async () => {
    setUp(5, 70);
    memory.setDirtyRange(0, 5 * PAGE, 7);
    const harvest = memory.harvest(MIGRATION);
    memory.setDirtyRange(6 * PAGE, 2 * PAGE, 7);
    expect(memory.isDirty(5 * PAGE, 1, MIGRATION)).to.equal(true);
    expect(memory.isDirty(8 * PAGE, 62 * PAGE, MIGRATION)).to.equal(false);
    expect(memory.allDirty(0, 8 * PAGE, MIGRATION), 'in flight and live by turns').to.equal(true);
    expect(memory.allDirty(0, 9 * PAGE, MIGRATION)).to.equal(false);
    expect(memory.includesClean(0, 8 * PAGE, 7)).to.equal(0);
    expect(memory.includesClean(69 * PAGE, 3 * PAGE, 4)).to.equal(4);
    await reportUntil(vcpu, harvest);
    expect(memory.isDirty(5 * PAGE, 1, MIGRATION)).to.equal(false);
    expect(memory.allDirty(6 * PAGE, 2 * PAGE, MIGRATION)).to.equal(true);
    expect(memory.includesClean(0, 6 * PAGE, 7)).to.equal(4);
  });

  it('makes a second one of the same client wait its turn, of whatever kind', async () => {
    setUp(5);
    const order: string[] = [];
    const note = (name: string) => (): void => void order.push(name);
    const harvest = memory.harvest(MIGRATION);
    const sync = memory.syncBitmap(memory.ram.find(0)!);
    const test = memory.testAndClear(0, 300 * PAGE, MIGRATION);
    const snapshot = memory.snapshotAndClear(0, 300 * PAGE, MIGRATION);
    const all = Promise.all([
      harvest.then(note('harvest')),
      sync.then(note('sync')),
      test.then(note('test')),
      snapshot.then(note('snapshot')),
    ]);
    vcpu.mark(6 * PAGE);
    await reportUntil(vcpu, all);
    expect(order).to.deep.equal(['harvest', 'sync', 'test', 'snapshot']);
    expect((await harvest).added).to.equal(1);
    expect(await sync, 'what was marked after the first').to.equal(1);
    expect(await test).to.equal(false);
    expect((await snapshot).pages).to.equal(0);
  });

  it('does not hold up those of other clients', async () => {
    setUp(5);
    const migration = memory.harvest(MIGRATION);
    expect(vcpu.offline(() => memory.whileStopped.harvest(CODE).added)).to.equal(1);
    expect(await memory.testAndClear(0, 300 * PAGE, CODE)).to.equal(false);
    const vga = memory.harvest(VGA);
    expect((await reportUntil(vcpu, vga)).added).to.equal(1);
    expect((await reportUntil(vcpu, migration)).added).to.equal(1);
  });

  it('that does not wait is refused while a reader of another thread is online, and names it', async () => {
    setUp(5);
    const block = memory.ram.find(0)!;
    for (const call of [
      () => memory.whileStopped.harvest(MIGRATION),
      () => memory.whileStopped.syncBitmap(block),
      () => memory.whileStopped.testAndClear(0, PAGE, MIGRATION),
      () => memory.whileStopped.snapshotAndClear(0, PAGE, MIGRATION),
    ]) {
      expectThrow(call, UsageError, 'whileStopped.', 'offline', "'foreign'");
    }
    expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5]);
    expect(vcpu.offline(() => memory.whileStopped.harvest(MIGRATION).added)).to.equal(1);
  });

  describe('that fails after its clear', () => {
    for (const way of ['timeout', 'abort'] as const) {
      it(`by ${way} has its bits back once its grace period has ended, and the next takes them along`, async () => {
        setUp(5, 70);
        const controller = new AbortController();
        const harvest = memory.harvest(MIGRATION, way === 'timeout' ? { timeoutMs: 1 } : { signal: controller.signal });
        controller.abort(new Error('changed my mind'));
        if (way === 'timeout') await expectReject(() => harvest, GracePeriodTimeout, 'harvest', 1, "'foreign'");
        else await expectReject(() => harvest, Error, 'changed my mind');
        expect(dirtyPages(memory, MIGRATION), 'in flight still').to.deep.equal([5, 70]);
        vcpu.mark(6 * PAGE);
        const next = memory.harvest(MIGRATION);
        expect(await stateOfPromise(next)).to.equal('pending');
        expect(pagesOf((await reportUntil(vcpu, next)).set)).to.deep.equal([5, 6, 70]);
        expect(dirtyPages(memory, MIGRATION)).to.deep.equal([]);
      });
    }

    it('does not give its bits to anyone before its grace period has ended', async () => {
      setUp(5);
      await expectReject(() => memory.harvest(MIGRATION, { timeoutMs: 0 }), GracePeriodTimeout);
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION), 'not live').to.equal(false);
      await reportUntil(vcpu, memory.rcu.synchronize());
      await reportUntil(vcpu, memory.rcu.synchronize());
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION), 'live').to.equal(true);
      expect(vcpu.offline(() => memory.whileStopped.harvest(MIGRATION).added)).to.equal(1);
    });

    it('has only those bits back whose RAM is still plugged', async () => {
      setUp(5);
      const gone = memory.ram.plug({ id: 'gone', size: 10 * PAGE, offset: 310 * PAGE });
      await expectReject(() => memory.harvest(MIGRATION, { timeoutMs: 0 }), GracePeriodTimeout);
      const unplugged = memory.ram.unplug(gone);
      await reportUntil(vcpu, unplugged);
      await reportUntil(vcpu, memory.rcu.synchronize());
      memory.ram.plug({ id: 'end', size: PAGE, offset: 330 * PAGE });
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5, 330]);
      expect(vcpu.isDirty(310 * PAGE, 10 * PAGE, MIGRATION)).to.equal(false);
      expect(pagesOf((await reportUntil(vcpu, memory.harvest(MIGRATION))).set)).to.deep.equal([5, 330]);
    });

    it('and one that is aborted in the queue takes nothing and holds nobody up', async () => {
      setUp(5);
      const first = memory.harvest(MIGRATION);
      const controller = new AbortController();
      const second = memory.testAndClear(0, 300 * PAGE, MIGRATION, { signal: controller.signal });
      const third = memory.harvest(MIGRATION, { timeoutMs: 1 });
      const fourth = memory.harvest(MIGRATION);
      controller.abort(new Error('changed my mind'));
      await expectReject(() => second, Error, 'changed my mind');
      await expectReject(() => third, GracePeriodTimeout, 'queued', 'MIGRATION', "'foreign'");
      vcpu.mark(6 * PAGE);
      expect(pagesOf((await reportUntil(vcpu, first)).set)).to.deep.equal([5]);
      expect(pagesOf((await reportUntil(vcpu, fourth)).set)).to.deep.equal([6]);
    });

    it('is not begun when the signal has aborted already', async () => {
      setUp(5);
      const signal = AbortSignal.abort(new Error('too late'));
      await expectReject(() => memory.harvest(MIGRATION, { signal }), Error, 'too late');
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION), 'live').to.equal(true);
      expect(vcpu.offline(() => memory.whileStopped.harvest(MIGRATION).added)).to.equal(1);
    });

    it('is refused inside a section of its own thread, whose end it would wait for, aborted or not', async () => {
      setUp(5);
      const own = attachVcpu(memory.handle, { name: 'own' });
      own.readLock();
      for (const options of [{}, { signal: AbortSignal.abort(new Error('too late')) }]) {
        const harvest = (): Promise<unknown> => memory.harvest(MIGRATION, { ...options, timeoutMs: 1 });
        await expectReject(harvest, UsageError, 'harvest', "'own'", 'section');
      }
      own.readUnlock();
      own.detach();
      expect(vcpu.isDirty(5 * PAGE, 1, MIGRATION), 'live').to.equal(true);
    });

    it('has its memory named as free after a grace period to whom the arena is full until then', async () => {
      setUp(5);
      await reportUntil(vcpu, memory.rcu.synchronize());
      const { allocator } = engineOf(memory);
      const fill = (): void => {
        for (;;) allocator.allocateBlock('the spec');
      };
      await expectReject(() => memory.harvest(MIGRATION, { timeoutMs: 0 }), GracePeriodTimeout);
      expectThrow(fill, ArenaFullError, 'are free after a grace period', "'foreign'");
      await reportUntil(vcpu, memory.rcu.synchronize());
      await reportUntil(vcpu, memory.rcu.synchronize());
      expect(fill).to.throw(ArenaFullError).with.property('message').that.does.not.contain('grace period');
    });

    it('for want of room in the arena keeps every bit', async () => {
      setUp();
      const sets: PageSet[] = [];
      vcpu.goOffline();
      const fill = (): void => {
        for (;;) {
          memory.setDirty(0, VGA);
          sets.push(memory.whileStopped.harvest(VGA).set);
        }
      };
      expectThrow(fill, ArenaFullError, 'whileStopped.harvest', 'the arena is full');
      vcpu.goOnline();
      expect(dirtyPages(memory, VGA)).to.deep.equal([0]);
      memory.setDirtyRange(0, 300 * PAGE, 4);
      sets.pop()?.dispose();
      const room = memory.stats();
      await expectReject(() => memory.harvest(MIGRATION), ArenaFullError, 'harvest');
      expect(dirtyPages(memory, MIGRATION), 'in flight, some of them').to.deep.equal(range(0, 300));
      await reportUntil(vcpu, memory.rcu.synchronize());
      expect(vcpu.allDirty(0, 300 * PAGE, MIGRATION), 'put back').to.equal(true);
      expect(dirtyPages(memory, MIGRATION), 'what was taken before it failed too').to.deep.equal(range(0, 300));
      expect(memory.stats()).to.include({ arenaBytesInUse: room.arenaBytesInUse, freeBlocks: room.freeBlocks });
      for (const set of sets) set.dispose();
      expect((await reportUntil(vcpu, memory.harvest(MIGRATION))).added).to.equal(300);
    });
  });

  describe('during which RAM changes', () => {
    it('reports no page of RAM that is unplugged meanwhile', async () => {
      setUp(5);
      const gone = memory.ram.plug({ id: 'gone', size: 10 * PAGE, offset: 310 * PAGE });
      const harvest = memory.harvest(MIGRATION);
      const unplugged = memory.ram.unplug(gone);
      const { set, added } = await reportUntil(vcpu, harvest);
      expect(pagesOf(set)).to.deep.equal([5]);
      expect(added).to.equal(1);
      await reportUntil(vcpu, unplugged);
    });

    it('leaves RAM that is plugged meanwhile to the next', async () => {
      setUp(5);
      const harvest = memory.harvest(MIGRATION);
      memory.ram.plug({ id: 'new', size: 3 * PAGE, offset: 310 * PAGE });
      expect(pagesOf((await reportUntil(vcpu, harvest)).set)).to.deep.equal([5]);
      expect(pagesOf((await reportUntil(vcpu, memory.harvest(MIGRATION))).set)).to.deep.equal([310, 311, 312]);
    });

    it('as a sync, answers 0 when its RAM block is unplugged meanwhile', async () => {
      setUp(5);
      const gone = memory.ram.plug({ id: 'gone', size: 10 * PAGE, offset: 310 * PAGE });
      const sync = memory.syncBitmap(gone);
      const unplugged = memory.ram.unplug(gone);
      expect(await reportUntil(vcpu, sync)).to.equal(0);
      await reportUntil(vcpu, unplugged);
      expect(dirtyPages(memory, MIGRATION)).to.deep.equal([5]);
    });

    it('as a sync that waits its turn, takes nothing of RAM that came in place of its own', async () => {
      setUp(5);
      const gone = memory.ram.plug({ id: 'gone', size: 10 * PAGE, offset: 310 * PAGE });
      const first = memory.harvest(MIGRATION);
      const second = memory.harvest(MIGRATION);
      const sync = memory.syncBitmap(gone);
      const unplugged = memory.ram.unplug(gone);
      vcpu.mark(6 * PAGE);
      await reportUntil(vcpu, first);
      await reportUntil(vcpu, unplugged);
      memory.ram.plug({ id: 'new', size: 10 * PAGE, offset: 310 * PAGE });
      vcpu.mark(7 * PAGE);
      await reportUntil(vcpu, Promise.all([second, sync]));
      expect(await sync).to.equal(0);
      expect(dirtyPages(memory, MIGRATION)).to.include.members(range(310, 320));
    });
  });

  it('delivers into a set that has pages already, and counts the new ones', async () => {
    setUp(5, 70);
    const into = memory.createPageSet();
    expect(await reportUntil(vcpu, memory.harvest(MIGRATION, { into }))).to.deep.equal({ set: into, added: 2 });
    for (const page of [5, 6, 200]) vcpu.mark(page * PAGE);
    expect((await reportUntil(vcpu, memory.harvest(MIGRATION, { into }))).added).to.equal(2);
    expect(pagesOf(into)).to.deep.equal([5, 6, 70, 200]);
    expect(into.pages).to.equal(4);
    expect(memory.stats()).to.include({ harvests: 2, pagesHarvested: 4 });
  });

  it('keeps its bits dirty when the set it was to deliver into is disposed of while it waits', async () => {
    setUp(5);
    const into = memory.createPageSet();
    const harvest = memory.harvest(MIGRATION, { into });
    into.dispose();
    await expectReject(() => reportUntil(vcpu, harvest), UsageError, 'harvest', 'disposed');
    expect(pagesOf((await reportUntil(vcpu, memory.harvest(MIGRATION))).set)).to.deep.equal([5]);
  });

  it('loses nothing of a reader that leaves, and nothing of one that is retired', async () => {
    setUp();
    vcpu.mark(5 * PAGE);
    vcpu.detach();
    vcpu = foreignVcpu(memory);
    vcpu.mark(6 * PAGE);
    const harvest = memory.harvest(MIGRATION);
    expect(memory.retire(4711)).to.equal(1);
    expect(pagesOf((await harvest).set)).to.deep.equal([5, 6]);
  });
});
