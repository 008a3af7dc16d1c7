import { expect } from 'chai';
import { Header, Table } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { CODE, type DirtyMemory, GracePeriodTimeout, UsageError, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import {
  describeEngines,
  dirtyPages,
  foreignVcpu,
  PAGE,
  range,
  reportUntil,
  smallEngine,
  turn,
} from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

/** Every method that must be refused once the engine is closed, or about to be. */
async function expectAllRefused(memory: DirtyMemory, why: string): Promise<void> {
  const block = memory.ram.get('ram')!;
  const calls: [string, () => unknown][] = [
    ['setDirty', () => memory.setDirty(0, VGA)],
    ['setDirtyRange', () => memory.setDirtyRange(0, PAGE, 7)],
    ['setDirtyBitmap', () => memory.setDirtyBitmap(new Uint8Array(1), 0, 1)],
    ['isDirty', () => memory.isDirty(0, PAGE, VGA)],
    ['allDirty', () => memory.allDirty(0, PAGE, VGA)],
    ['includesClean', () => memory.includesClean(0, PAGE, 7)],
    ['whileStopped.testAndClear', () => memory.whileStopped.testAndClear(0, PAGE, VGA)],
    ['whileStopped.snapshotAndClear', () => memory.whileStopped.snapshotAndClear(0, PAGE, VGA)],
    ['whileStopped.syncBitmap', () => memory.whileStopped.syncBitmap(block)],
    ['whileStopped.harvest', () => memory.whileStopped.harvest(VGA)],
    ['createPageSet', () => memory.createPageSet()],
    ['plug', () => memory.ram.plug({ id: 'new', size: PAGE })],
    ['callRcu', () => memory.rcu.callRcu(() => {})],
    ['startPoll', () => memory.rcu.startPoll()],
    ['synchronizeBlocking', () => memory.rcu.synchronizeBlocking()],
    ['kick', () => memory.rcu.kick()],
  ];
  for (const [name, call] of calls) expectThrow(call, UsageError, name, why);
  const promises: [string, () => Promise<unknown>][] = [
    ['testAndClear', () => memory.testAndClear(0, PAGE, VGA)],
    ['snapshotAndClear', () => memory.snapshotAndClear(0, PAGE, VGA)],
    ['syncBitmap', () => memory.syncBitmap(block)],
    ['harvest', () => memory.harvest(VGA)],
    ['unplug', () => memory.ram.unplug(block)],
    ['track', () => memory.track(VGA)],
    ['synchronize', () => memory.rcu.synchronize()],
    ['barrier', () => memory.rcu.barrier()],
  ];
  for (const [name, call] of promises) await expectReject(call, UsageError, name, why);
}

describeEngines('closing an engine', () => {
  let memory: DirtyMemory;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 100 * PAGE });
  });

  it('refuses every use of it afterwards', async () => {
    await memory.close();
    await expectAllRefused(memory, 'the engine is closed');
  });

  it('refuses every use of it from the call on, while it waits', async () => {
    const vcpu = foreignVcpu(memory);
    const closed = memory.close();
    await expectAllRefused(memory, 'the engine is clos');
    await reportUntil(vcpu, closed);
  });

  it('leaves what can be looked at, and readers that can be retired', async () => {
    foreignVcpu(memory).goOffline();
    await memory.close();
    expect(memory.stats()).to.include({ ramBlocks: 1, ramBytes: 100 * PAGE });
    expect(memory.ram.find(5)?.id).to.equal('ram');
    expect([...memory.ram]).to.have.length(1);
    expect(memory.retire(4711)).to.equal(1);
    expect(memory.stats().readersAttached).to.equal(0);
  });

  it('twice is closing once', async () => {
    const [first, second] = [memory.close(), memory.close()];
    await Promise.all([first, second]);
    await memory.close();
    expectThrow(() => memory.createPageSet(), UsageError, 'closed');
  });

  it('waits for collections, unpluggings and callbacks that are under way', async () => {
    const vcpu = foreignVcpu(memory);
    const order: string[] = [];
    const note = (name: string) => (): void => void order.push(name);
    memory.rcu.callRcu(note('callback'));
    const work = [
      memory.harvest(VGA).then(note('harvest')),
      memory.harvest(VGA).then(note('queued harvest')),
      memory.ram.unplug(memory.ram.get('ram')!).then(note('unplug')),
      memory.rcu.synchronize().then(note('synchronize')),
    ];
    const closed = memory.close().then(note('close'));
    await turn();
    expect(order).to.deep.equal([]);
    await reportUntil(vcpu, Promise.all([...work, closed]));
    expect(order.at(-1)).to.equal('close');
    expect(order).to.have.members(['callback', 'harvest', 'queued harvest', 'unplug', 'synchronize', 'close']);
  });

  it('ends the waits whose grace period ends while it looks itself', async () => {
    const vcpu = foreignVcpu(memory);
    const waits = [memory.rcu.synchronize(), memory.track(CODE)];
    // The reader is there until closing looks for the last time.
    const { rcu } = memory;
    const { endsAtOnce } = rcu;
    rcu.endsAtOnce = (...of) => {
      vcpu.detach();
      return endsAtOnce.apply(rcu, of);
    };
    await memory.close();
    await Promise.all(waits);
  });

  it('has a reader that is attached throw at its first mark after its next quiescent state', async () => {
    const vcpu = attachVcpu(memory.handle);
    await memory.close();
    expect(vcpu.mark(5)).to.equal(0);
    vcpu.quiescent();
    expectThrow(() => vcpu.mark(5), UsageError, 'mark', 'closed');
    expectThrow(() => vcpu.markPage(0, VGA), UsageError, 'markPage', 'closed');
    expectThrow(() => vcpu.markRange(0, PAGE, 7), UsageError, 'markRange', 'closed');
    expectThrow(() => vcpu.isDirty(0, PAGE, VGA), UsageError, 'isDirty', 'closed');
    vcpu.quiescent();
    vcpu.detach();
  });

  it('leaves generated code, which looks at roots and tables alone, without a bitmap block', async () => {
    const { memory: shared, byteOffset } = memory.handle;
    const words = new Words(shared.buffer, byteOffset, shared.buffer.byteLength / 4);
    const lengths = (): number[] => [0, 1, 2].map((root) => words.get(words.load(Header.Roots + root) + Table.Length));
    expect(Math.min(...lengths())).to.be.above(0);
    await memory.close();
    expect(lengths()).to.deep.equal([0, 0, 0]);
  });

  it('has a reader that comes online afterwards throw at its first mark', async () => {
    const vcpu = attachVcpu(memory.handle);
    vcpu.goOffline();
    await memory.close();
    vcpu.goOnline();
    expectThrow(() => vcpu.mark(5), UsageError, 'mark', 'closed');
    expectThrow(() => attachVcpu(memory.handle), UsageError, 'attachVcpu', 'closed');
  });

  for (const way of ['timeout', 'abort'] as const) {
    it(`by ${way} fails, and leaves the engine as it was`, async () => {
      const vcpu = foreignVcpu(memory);
      const controller = new AbortController();
      const closed = memory.close(way === 'timeout' ? { timeoutMs: 1 } : { signal: controller.signal });
      const second = memory.close();
      controller.abort(new Error('stay'));
      if (way === 'timeout') await expectReject(() => closed, GracePeriodTimeout, 'close', "'foreign'", 1);
      else await expectReject(() => closed, Error, 'stay');
      await expectReject(() => second, Error);
      expect(memory.stats().callbacksPending).to.equal(0);
      memory.ram.plug({ id: 'new', size: PAGE });
      expect(dirtyPages(memory, VGA)).to.deep.equal([...range(0, 100), 128]);
      expect((await reportUntil(vcpu, memory.harvest(VGA))).added).to.equal(101);
      await reportUntil(vcpu, memory.ram.unplug(memory.ram.get('new')!));
      await reportUntil(vcpu, memory.close());
      expectThrow(() => memory.createPageSet(), UsageError, 'closed');
    });
  }

  it('is refused inside a read-side section, and with options that are none', async () => {
    const vcpu = attachVcpu(memory.handle);
    vcpu.readLock();
    await expectReject(() => memory.close(), UsageError, 'close', 'read-side section');
    vcpu.readUnlock();
    await expectReject(() => memory.close({ timeoutMs: -1 }), RangeError, 'close', 'timeoutMs', -1);
    expect(memory.isDirty(0, 1, VGA)).to.equal(true);
  });
});
