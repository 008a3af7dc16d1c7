import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Header, Slot, Slots } from '../../lib/arena/layout.js';
import { type DirtyMemory, VGA } from '../../lib/index.js';
import { CLIENTS, cleanAll, PAGE, smallEngine } from '../support/engines.js';
import { expectReject } from '../support/refusals.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';

describe('vCPUs on worker threads: registration', () => {
  let memory: DirtyMemory;
  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'dimm0', size: 64 * PAGE });
    cleanAll(memory);
  });
  afterEach(endThreads);

  const attached = (name: string): Promise<RemoteVcpu> => RemoteVcpu.attached(memory.handle, name);
  const counts = (): number[] => [memory.stats().readersAttached, memory.stats().readersOnline];

  it('registers each thread by its thread id, or by the identity it asks for', async () => {
    const first = new RemoteVcpu(memory.handle);
    const second = new RemoteVcpu(memory.handle);
    expect(await first.attach({ name: 'first' })).to.equal(first.identity);
    expect(await second.attach({ name: 'second', identity: 123456 })).to.equal(123456);
    expect(counts()).to.deep.equal([2, 2]);
    await first.begin('spin');
    await second.begin('spin');
    memory.rcu.startPoll();
    expect(memory.rcu.holdouts().map(({ name, identity, local }) => ({ name, identity, local }))).to.deep.equal([
      { name: 'first', identity: first.identity, local: false },
      { name: 'second', identity: 123456, local: false },
    ]);
    await first.stop();
  });

  it('counts them as they go offline and leave', async () => {
    const vcpu = await attached('vcpu');
    await vcpu.call('goOffline');
    expect(counts()).to.deep.equal([1, 0]);
    await vcpu.call('detach');
    expect(counts()).to.deep.equal([0, 0]);
  });

  it('refuses a thread when all slots are taken, and takes it when one has become free', async () => {
    memory = smallEngine({ maxReaders: 1 });
    const [first, second] = [await attached('first'), new RemoteVcpu(memory.handle)];
    await expectReject(() => second.attach({ name: 'second' }), RangeError, 'attachVcpu', 'maxReaders = 1');
    expect(counts()).to.deep.equal([1, 1]);
    await first.call('detach');
    expect(await second.attach({ name: 'second' })).to.equal(second.identity);
  });

  it('gives no slot to two of the threads that come and go all the time', async () => {
    memory = smallEngine({ maxReaders: 3 });
    const churning = await Promise.all(['a', 'b', 'c'].map(attached));
    await Promise.all(churning.map((vcpu) => vcpu.begin('churn')));
    while (Math.min(...churning.map(({ rounds }) => rounds)) < 300) await memory.rcu.synchronize();
    for (const vcpu of churning) await vcpu.stop();
    expect(counts(), 'each has one slot of its own').to.deep.equal([3, 3]);
    const { words } = Arena.attach('test', memory.handle);
    const tenants = [0, 1, 2].map((slot) => words.load(Slots.first + slot * Slots.size + Slot.Identity) - 1);
    expect(tenants).to.have.members(churning.map(({ identity }) => identity));
  });

  it('sees an extend at the next quiescent state, without any message', async () => {
    const vcpu = await attached('vcpu');
    const before = await vcpu.order({ do: 'tables' });
    memory.ram.plug({ id: 'dimm1', size: 64 * PAGE });
    expect(await vcpu.order({ do: 'tables' }), 'within the interval').to.deep.equal(before);
    await vcpu.call('quiescent');
    const after = await vcpu.order({ do: 'tables' });
    const { words } = Arena.attach('test', memory.handle);
    expect(after).to.deep.equal([0, 1, 2].map((root) => words.load(Header.Roots + root)));
    expect(after).to.not.deep.equal(before);
  });

  it('marks RAM that it hears of from another thread before its own quiescent state', async () => {
    const vcpu = await attached('vcpu');
    await vcpu.begin('markWhatIsTold');
    const dimm = memory.ram.plug({ id: 'dimm1', size: 64 * PAGE });
    cleanAll(memory);
    const cookie = memory.rcu.startPoll();
    vcpu.tell(dimm.offset + 5 * PAGE);
    expect(await vcpu.end(), 'clients for which the page turned').to.equal(7);
    expect(memory.rcu.poll(cookie), 'it has reported nothing').to.equal(false);
    for (const client of CLIENTS) {
      expect(memory.isDirty(dimm.offset + 5 * PAGE, PAGE, client)).to.equal(true);
      expect(memory.isDirty(dimm.offset, 5 * PAGE, client)).to.equal(false);
    }
  });

  it('is refused RAM that it hears of too early, and goes on', async () => {
    const vcpu = await attached('vcpu');
    await vcpu.begin('markWhatIsTold');
    vcpu.tell(64 * PAGE);
    await expectReject(() => vcpu.end(), RangeError, 'mark', `ends at ${64 * PAGE}`);
    expect(await vcpu.call('mark', 63 * PAGE)).to.equal(7);
    memory.ram.plug({ id: 'dimm1', size: 64 * PAGE });
    expect(await vcpu.call('mark', 64 * PAGE), 'all dirty').to.equal(0);
  });

  it('keeps marking the blocks that it knows while RAM goes, and is refused the RAM that is gone', async () => {
    const dimm1 = memory.ram.plug({ id: 'dimm1', size: 64 * PAGE });
    cleanAll(memory);
    const vcpu = await attached('vcpu');
    const unplugged = memory.ram.unplug(dimm1);
    expect(await vcpu.call('mark', 0)).to.equal(7);
    expect(await vcpu.call('mark', dimm1.offset), 'in the interval of before').to.equal(7);
    await vcpu.call('quiescent');
    await unplugged;
    await expectReject(() => vcpu.call('mark', dimm1.offset), RangeError, 'mark');
    expect(memory.isDirty(0, PAGE, VGA)).to.equal(true);
    memory.ram.plug({ id: 'dimm1', size: 64 * PAGE, offset: dimm1.offset });
  });
});
