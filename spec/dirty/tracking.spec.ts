import { expect } from 'chai';
import { Header, LINE, ROOTS, regionsOf } from '../../lib/arena/layout.js';
import { soon } from '../../lib/base/turns.js';
import { engineOf } from '../../lib/dirty-memory.js';
import {
  ArenaFullError,
  type Client,
  CODE,
  type DirtyMemory,
  GracePeriodTimeout,
  MIGRATION,
  UsageError,
  VGA,
} from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import {
  CLIENTS,
  describeEngines,
  dirtyPages,
  foreignVcpu,
  PAGE,
  pagesOf,
  range,
  reportUntil,
  SWAP_ALL,
  smallEngine,
  turn,
} from '../support/engines.js';
import { track as watch } from '../support/promises.js';
import { expectReject, expectThrow, uncaughtDuring } from '../support/refusals.js';

const PAGES = 100;

/** RAM of pages 0 to 99, CODE and MIGRATION tracked on demand alone. */
function onDemand(): DirtyMemory {
  const memory = smallEngine({ tracked: VGA });
  memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
  memory.whileStopped.harvest(VGA).set.dispose();
  return memory;
}

/** There is no room for any table. @returns how to make it again */
function withoutRoom(memory: DirtyMemory): () => void {
  const { allocator } = engineOf(memory);
  Object.defineProperty(allocator, 'allocateTable', {
    configurable: true,
    value: () => {
      throw new ArenaFullError('injected');
    },
  });
  return () => Reflect.deleteProperty(allocator, 'allocateTable');
}

describeEngines('tracking on demand', (shared) => {
  let memory: DirtyMemory;
  beforeEach(() => {
    memory = onDemand();
  });
  afterEach(async () => {
    await memory.close();
  });

  it('is of all clients, and for ever, unless an engine is created otherwise', async () => {
    const all = smallEngine();
    expect(all.tracked).to.equal(7);
    const tracking = await all.track(CODE);
    await tracking.stop();
    expect(all.tracked).to.equal(7);
    await all.close();
  });

  it('needs room for one block, without which an engine is not created, and its place stays free', async () => {
    const ground = new WebAssembly.Memory({ initial: 1, maximum: 1, shared });
    const sizes = { memory: ground, maxReaders: 1, pagesPerBlock: 2 ** 16 };
    const least = 4 * (regionsOf(1, 2 ** 11).heap + ROOTS * LINE);
    await smallEngine({ ...sizes, arenaBytes: least }).close();
    expectThrow(() => smallEngine({ ...sizes, tracked: 0, arenaBytes: least }), RangeError, 'arenaBytes');
    await smallEngine({ ...sizes, tracked: 0, arenaBytes: least + 2 ** 13 }).close();
  });

  it('costs no bitmaps where there is none', async () => {
    const arenaBytes = 2 ** 23;
    const [none, one, all] = [0, VGA, 7].map((tracked) => smallEngine({ tracked, arenaBytes }));
    for (const engine of [none, one, all]) engine?.ram.plug({ id: 'ram', size: 2 ** 24 });
    const [ofNone, ofOne, ofAll] = [none, one, all].map((engine) => engine?.stats().arenaBytesInUse as number);
    const oneClient = ((ofAll as number) - (ofNone as number)) / 3;
    expect((ofOne as number) - (ofNone as number)).to.be.closeTo(oneClient, 64);
    for (const engine of [none, one, all]) await engine?.close();
  });

  it('marks only for those who are tracked', () => {
    const vcpu = attachVcpu(memory.handle);
    expect(vcpu.mark(5 * PAGE)).to.equal(VGA);
    expect(vcpu.mark(5 * PAGE)).to.equal(0);
    expect(vcpu.markPage(6, CODE)).to.equal(0);
    expect(vcpu.markRange(0, 99 * PAGE, 7)).to.equal(VGA);
    expect(memory.setDirty(99 * PAGE, MIGRATION)).to.equal(false);
    expect(memory.setDirtyRange(0, PAGES * PAGE, 7)).to.equal(VGA);
    vcpu.detach();
  });

  it('takes everything for dirty where nobody is tracked', () => {
    const vcpu = attachVcpu(memory.handle);
    for (const asked of [memory, vcpu]) {
      expect(asked.allDirty(0, PAGES * PAGE, CODE)).to.equal(true);
      expect(asked.isDirty(7 * PAGE, 1, CODE)).to.equal(true);
      expect(asked.includesClean(0, PAGES * PAGE, 7)).to.equal(VGA);
    }
    vcpu.detach();
  });

  it('lets nobody collect a client that is not tracked', async () => {
    const parts = ['MIGRATION', 'not tracked', 'track'];
    const block = memory.ram.get('ram') as NonNullable<ReturnType<typeof memory.ram.get>>;
    await expectReject(() => memory.harvest(MIGRATION), UsageError, 'harvest', ...parts);
    await expectReject(() => memory.syncBitmap(block), UsageError, 'syncBitmap', ...parts);
    await expectReject(() => memory.snapshotAndClear(0, PAGE, MIGRATION), UsageError, ...parts);
    await expectReject(() => memory.testAndClear(0, PAGE, MIGRATION), UsageError, ...parts);
    expectThrow(() => memory.whileStopped.harvest(MIGRATION), UsageError, ...parts);
    expectThrow(() => memory.whileStopped.syncBitmap(block), UsageError, ...parts);
    expectThrow(() => memory.whileStopped.snapshotAndClear(0, PAGE, MIGRATION), UsageError, ...parts);
    expectThrow(() => memory.whileStopped.testAndClear(0, PAGE, MIGRATION), UsageError, ...parts);
  });

  it('begins with all RAM dirty and nothing else, and goes on with what is marked', async () => {
    memory.ram.plug({ id: 'far', size: 3 * PAGE, offset: 200 * PAGE });
    const vcpu = attachVcpu(memory.handle);
    const tracking = await memory.track(MIGRATION);
    expect([tracking.client, memory.tracked]).to.deep.equal([MIGRATION, VGA | MIGRATION]);
    const ram = [...range(0, PAGES), ...range(200, 203)];
    expect(pagesOf((await tracking.harvest()).set)).to.deep.equal(ram);
    expect(vcpu.mark(201 * PAGE)).to.equal(MIGRATION);
    expect(vcpu.mark(9 * PAGE)).to.equal(VGA | MIGRATION);
    expect(pagesOf((await tracking.harvest()).set)).to.deep.equal([9, 201]);
    vcpu.detach();
  });

  it('makes a vCPU look at the bits of each client that is tracked, and of no other', async () => {
    const masks = [1, 2, 4, 3, 5, 6, 7];
    for (const tracked of masks) {
      const engine = smallEngine({ tracked: 0, debug: false });
      engine.ram.plug({ id: 'ram', size: PAGES * PAGE });
      const vcpu = attachVcpu(engine.handle);
      const clients = CLIENTS.filter((client) => (tracked & client) !== 0);
      const trackings = await Promise.all(clients.map((client) => engine.track(client)));
      const told = new Int32Array(engine.handle.memory.buffer, 4 * Header.Tracked, 1);
      expect(told[0]).to.equal(tracked);
      for (const dirty of masks.filter((mask) => (mask & ~tracked) === 0)) {
        for (const { whileStopped } of trackings) whileStopped.harvest().set.dispose();
        engine.setDirtyRange(6 * PAGE, PAGE, dirty);
        expect(vcpu.mark(5 * PAGE), 'not in the cached block').to.equal(tracked);
        expect(vcpu.mark(6 * PAGE), `in it, dirty for ${dirty} of ${tracked}`).to.equal(tracked & ~dirty);
      }
      await Promise.all(trackings.map((tracking) => tracking.stop()));
      expect([told[0], vcpu.mark(5 * PAGE), vcpu.mark(6 * PAGE)]).to.deep.equal([0, 0, 0]);
      vcpu.detach();
      await engine.close();
    }
  });

  it('ends, and the memory is free again', async () => {
    await memory.rcu.synchronize();
    const before = memory.stats().arenaBytesInUse;
    const tracking = await memory.track(MIGRATION);
    expect(memory.stats().arenaBytesInUse).to.be.above(before);
    await tracking.stop();
    expect(memory.stats().arenaBytesInUse).to.equal(before);
    expect(memory.tracked).to.equal(VGA);
    expect(dirtyPages(memory, MIGRATION)).to.deep.equal(range(0, PAGES));
    await expectReject(() => memory.harvest(MIGRATION), UsageError, 'not tracked');
  });

  it('ends once, however often it is stopped', async () => {
    const first = await memory.track(CODE);
    const second = await memory.track(CODE);
    await Promise.all([first.stop(), first.stop()]);
    await first.stop();
    expect(memory.tracked).to.equal(VGA | 2);
    await second.stop();
    expect(memory.tracked).to.equal(VGA);
  });

  it('covers RAM that is plugged, and forgets RAM that is unplugged', async () => {
    const tracking = await memory.track(MIGRATION);
    (await tracking.harvest()).set.dispose();
    const far = memory.ram.plug({ id: 'far', size: 2 * PAGE, offset: 130 * PAGE });
    expect(pagesOf(tracking.dirty())).to.deep.equal([130, 131]);
    await memory.ram.unplug(far);
    expect(pagesOf(tracking.dirty())).to.deep.equal([]);
    await tracking.stop();
  });

  it('stays off while RAM that shares a bitmap block comes and goes', async () => {
    const next = memory.ram.plug({ id: 'next', size: 4 * PAGE, offset: PAGES * PAGE });
    await memory.ram.unplug(next);
    // Every bitmap block is the full block: what is cleared in one place is clean in all.
    expect(memory.allDirty(0, PAGES * PAGE, MIGRATION)).to.equal(true);
    memory.ram.plug({ id: 'next', size: 4 * PAGE, offset: PAGES * PAGE });
    expect(memory.allDirty(0, 104 * PAGE, MIGRATION)).to.equal(true);
    const vcpu = attachVcpu(memory.handle);
    expect(vcpu.mark(101 * PAGE)).to.equal(0);
    vcpu.detach();
  });

  it('waits for the collections of the client that are under way, and refuses those that come after', async () => {
    const vcpu = foreignVcpu(memory);
    const tracking = await reportUntil(vcpu, memory.track(MIGRATION));
    const underWay = tracking.harvest();
    const queued = tracking.harvest();
    const stopped = watch(tracking.stop());
    const late = tracking.harvest();
    late.catch(() => {});
    await turn();
    expect([stopped.settled, memory.tracked]).to.deep.equal([false, VGA | MIGRATION]);
    expect((await reportUntil(vcpu, underWay)).added).to.equal(PAGES);
    expect((await reportUntil(vcpu, queued)).added).to.equal(0);
    await reportUntil(vcpu, tracking.stop());
    await expectReject(() => late, UsageError, 'not tracked');
    vcpu.detach();
  });

  it('goes on when another user comes while the last one ends', async () => {
    const vcpu = foreignVcpu(memory);
    const first = await reportUntil(vcpu, memory.track(MIGRATION));
    const underWay = first.harvest();
    const stopped = first.stop();
    const second = memory.track(MIGRATION);
    await reportUntil(vcpu, Promise.all([underWay, stopped, second]));
    expect(memory.tracked).to.equal(VGA | MIGRATION);
    expect(pagesOf((await second).dirty()), 'of which the second has seen none').to.deep.equal(range(0, PAGES));
    await reportUntil(vcpu, (await second).stop());
    vcpu.detach();
  });

  it('begins after a grace period: a vCPU in an older interval marks nothing yet', async () => {
    const vcpu = foreignVcpu(memory);
    vcpu.mark(0);
    const tracking = memory.track(MIGRATION);
    const begun = watch(tracking);
    await turn();
    expect([begun.settled, vcpu.mark(3 * PAGE)]).to.deep.equal([false, VGA]);
    vcpu.quiescent();
    await tracking;
    expect(vcpu.mark(3 * PAGE)).to.equal(0);
    vcpu.detach();
  });

  it('is not begun where it is given up, by timeout or by signal', async () => {
    const vcpu = foreignVcpu(memory);
    await expectReject(() => memory.track(CODE, { timeoutMs: 1 }), GracePeriodTimeout, 'track', 'foreign');
    const controller = new AbortController();
    const given = memory.track(CODE, { signal: controller.signal });
    controller.abort(new RangeError('enough'));
    await expectReject(() => given, RangeError, 'enough');
    await reportUntil(vcpu, memory.rcu.synchronize());
    expect(memory.tracked).to.equal(VGA);
    vcpu.detach();
  });

  it('is not begun where it is given up while the owner is in a read-side section, or the arena is full', async () => {
    const vcpu = foreignVcpu(memory);
    const own = attachVcpu(memory.handle, { name: 'own' });
    const given = memory.track(CODE, { timeoutMs: 1 });
    own.readLock();
    await expectReject(() => given, GracePeriodTimeout, 'track', 'foreign');
    own.detach();
    await reportUntil(vcpu, memory.rcu.synchronize());
    expect(memory.tracked).to.equal(VGA);

    const full = memory.track(CODE, { timeoutMs: 1 });
    const restore = withoutRoom(memory);
    await expectReject(() => full, GracePeriodTimeout, 'track', 'foreign');
    await reportUntil(vcpu, memory.rcu.synchronize());
    expect(memory.tracked, 'there is no room to end it').to.equal(VGA | 2);
    restore();
    await reportUntil(vcpu, memory.rcu.synchronize());
    await turn();
    expect(memory.tracked).to.equal(VGA);
    vcpu.detach();
  });

  it('has ended when the stop of its last user resolves, also of one that came and went while another ended', async () => {
    const vcpu = foreignVcpu(memory);
    const first = await reportUntil(vcpu, memory.track(MIGRATION));
    const underWay = first.harvest();
    const ended = watch(first.stop());
    const { users } = engineOf(memory);
    const bitmap = engineOf(memory).bitmapOf(MIGRATION);
    const stopped = users.stop(bitmap, users.join(bitmap, 'last'));
    const last = watch(stopped);
    await turn(); // the harvest's period begins when its step has ended
    vcpu.quiescent();
    expect((await underWay).added).to.equal(PAGES);
    await turn();
    expect([memory.tracked, ended.settled, last.settled]).to.deep.equal([VGA, true, false]);
    await reportUntil(vcpu, stopped);
    vcpu.detach();
  });

  it('changes nothing when the arena has no room for it', async () => {
    const small = smallEngine({ tracked: 0, arenaBytes: 2 ** 15, pagesPerBlock: 2 ** 15, maxRamBytes: 2 ** 32 });
    small.ram.plug({ id: 'ram', size: 2 ** 28 });
    const fillers = [];
    for (;;) {
      try {
        fillers.push(await small.track(CLIENTS[fillers.length] as Client));
      } catch (error) {
        expect(error).to.be.instanceOf(ArenaFullError);
        break;
      }
    }
    const tracked = small.tracked;
    await small.rcu.synchronize();
    const before = small.stats().arenaBytesInUse;
    await expectReject(() => small.track(MIGRATION), ArenaFullError, 'track', 'MIGRATION');
    expect([small.tracked, small.stats().arenaBytesInUse]).to.deep.equal([tracked, before]);
    for (const filler of fillers) await filler.stop();
    expect(small.tracked).to.equal(0);
    await small.close();
  });

  it('leaves no block behind when the arena has no room for the table alone', async () => {
    await memory.rcu.synchronize();
    const before = memory.stats().arenaBytesInUse;
    const restore = withoutRoom(memory);
    await expectReject(() => memory.track(MIGRATION), ArenaFullError, 'injected');
    restore();
    expect([memory.stats().arenaBytesInUse, memory.tracked]).to.deep.equal([before, VGA]);
    await (await memory.track(MIGRATION)).stop();
    expect(memory.tracked, 'nor a user').to.equal(VGA);
  });

  it('is refused inside a section of its own thread, whose end it would wait for, aborted or not', async () => {
    const own = attachVcpu(memory.handle, { name: 'own' });
    own.readLock();
    for (const options of [{}, { signal: AbortSignal.abort(new Error('too late')) }]) {
      await expectReject(() => memory.track(CODE, options), UsageError, 'track', "'own'", 'section');
    }
    own.readUnlock();
    own.detach();
  });

  it('takes no memory for a signal that has aborted before', async () => {
    const vcpu = foreignVcpu(memory);
    const before = memory.stats().arenaBytesInUse;
    const signal = AbortSignal.abort(new RangeError('too late'));
    await expectReject(() => memory.track(CODE, { signal }), RangeError, 'too late');
    expect([memory.stats().arenaBytesInUse, memory.tracked]).to.deep.equal([before, VGA]);
    vcpu.detach();
  });

  it('that is given up and cannot end has the reason become the error of the process', async () => {
    const vcpu = foreignVcpu(memory);
    const { tables } = engineOf(memory);
    const errors = await uncaughtDuring(async () => {
      Object.defineProperty(tables, 'stop', {
        configurable: true,
        value: () => {
          throw new RangeError('injected');
        },
      });
      await expectReject(() => memory.track(CODE, { timeoutMs: 0 }), GracePeriodTimeout);
      await turn();
      Reflect.deleteProperty(tables, 'stop');
    });
    expect(errors).to.have.lengthOf(1);
    expect(errors[0]).to.be.instanceOf(RangeError).with.property('message', 'injected');
    vcpu.detach();
  });

  it('lets the event loop turn where it is refused, or its end is, by a caller that tries again and again', async () => {
    const tracking = await memory.track(MIGRATION);
    const restore = withoutRoom(memory);
    for (const call of [() => memory.track(CODE), () => tracking.stop()]) {
      let turned = false;
      soon(() => {
        turned = true;
      });
      for (let attempt = 0; attempt < 10_000 && !turned; attempt++) await expectReject(call, ArenaFullError);
      expect(turned).to.equal(true);
    }
    restore();
  });

  it('goes on for the last user where another one is ended twice, as by a migration that gives up while it stops', async () => {
    const first = await memory.track(MIGRATION);
    const second = await memory.track(MIGRATION);
    second.abandon();
    await second.stop();
    expect(memory.tracked).to.equal(VGA | MIGRATION);
    await first.stop();
    expect(memory.tracked).to.equal(VGA);
  });

  it('can be stopped again when the arena had no room for stopping', async () => {
    const tracking = await memory.track(MIGRATION);
    const restore = withoutRoom(memory);
    await expectReject(() => tracking.stop(), ArenaFullError, 'injected');
    restore();
    expect((await tracking.harvest()).added).to.equal(PAGES);
    await tracking.stop();
    expect(memory.tracked).to.equal(VGA);
  });

  it('is not waited for inside a read-side section of the owner', async () => {
    const tracking = await memory.track(CODE);
    const vcpu = attachVcpu(memory.handle, { name: 'own' });
    vcpu.readLock();
    await expectReject(() => memory.track(MIGRATION), UsageError, 'track', 'own');
    await expectReject(() => tracking.stop(), UsageError, 'stop', 'own');
    vcpu.detach();
    expect(memory.tracked).to.equal(VGA | 2);
    await tracking.stop();
  });

  it('ends with the engine: stopping afterwards does nothing, beginning is refused', async () => {
    const engine = smallEngine({ tracked: 0 });
    const tracking = await engine.track(CODE);
    const other = await engine.track(VGA);
    const closed = engine.close();
    await other.stop();
    await closed;
    await tracking.stop();
    await expectReject(() => engine.track(CODE), UsageError, 'closed');
  });

  it('touches nothing when it is stopped after the engine was closed: the memory may be another one', async () => {
    const ground = new WebAssembly.Memory({ initial: 4, maximum: 4, shared });
    const engine = smallEngine({ tracked: 0, memory: ground });
    const tracking = await engine.track(CODE);
    await engine.close();
    const next = smallEngine({ tracked: 0, memory: ground });
    next.ram.plug({ id: 'ram', size: PAGES * PAGE });
    const before = new Int32Array(ground.buffer).slice();
    await tracking.stop();
    expect(new Int32Array(ground.buffer).every((word, at) => word === before[at])).to.equal(true);
    await next.close();
  });

  it('keeps swapped collections exact', async () => {
    const engine = smallEngine({ tracked: 0 }, SWAP_ALL);
    engine.ram.plug({ id: 'ram', size: PAGES * PAGE });
    for (let i = 0; i < 3; i++) {
      const tracking = await engine.track(MIGRATION);
      expect((await tracking.harvest()).added).to.equal(PAGES);
      engine.setDirtyRange(10 * PAGE, 5 * PAGE, 7);
      const { set } = await tracking.harvest();
      expect(pagesOf(set)).to.deep.equal(range(10, 15));
      await tracking.stop();
      expect(engine.allDirty(0, PAGES * PAGE, MIGRATION)).to.equal(true);
    }
    await engine.close();
  });
});
