import { expect } from 'chai';
import { GracePeriodTimeout } from '../../lib/base/errors.js';
import type { DirtyMemory, StallReport } from '../../lib/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { track, turns, until } from '../support/promises.js';
import { expectThrow } from '../support/refusals.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';
import type { LoopName } from '../support/vcpu-orders.js';

/** Past mocha's limit: a wait that is not woken fails its test. */
const MISSED = 30_000;

describe('vCPUs on worker threads: waiting', () => {
  let memory: DirtyMemory;
  beforeEach(() => {
    memory = smallEngine();
  });
  afterEach(endThreads);

  const running = async (loop: LoopName): Promise<RemoteVcpu> => {
    const vcpu = new RemoteVcpu(memory.handle);
    // While a reader gives way, periods may pass for which it need not be kicked.
    await vcpu.attach({ name: loop, giveWay: loop !== 'whenKicked' });
    await vcpu.begin(loop);
    return vcpu;
  };

  it('names the thread that spins in the stall report, and nobody else', async () => {
    memory = smallEngine({ stallMs: 20 });
    await running('quiescent');
    const spinning = await running('spin');
    await running('idle');
    const reports: StallReport[] = [];
    memory.on('stall', (report) => reports.push(report));
    const wait = memory.rcu.synchronize();
    const tracked = track(wait);
    await until(() => reports.some(({ readers }) => readers.length === 1));
    expect(reports.at(-1)?.readers).to.deep.equal([
      { name: 'spin', identity: spinning.identity, slot: 1, online: true, local: false },
    ]);
    expect(tracked.settled).to.equal(false);
    await spinning.stop();
    await spinning.call('quiescent');
    await wait;
  });

  it('makes a thread that polls `kicked` go on, in every form of waiting', async () => {
    const polling = await running('whenKicked');
    await memory.rcu.synchronize();
    memory.rcu.synchronizeBlocking({ timeoutMs: MISSED });
    await memory.rcu.barrier();
    const cookie = memory.rcu.startPoll();
    memory.rcu.kick();
    await until(() => memory.rcu.poll(cookie));
    expect(await polling.stop()).to.be.at.least(4);
  });

  it('makes it go on for the period after the running one too, when the owner blocks', async () => {
    const polling = await running('whenKicked');
    for (let i = 0; i < 20; i++) {
      memory.rcu.startPoll();
      memory.rcu.synchronizeBlocking({ timeoutMs: MISSED });
    }
    expect(await polling.stop()).to.be.at.least(40);
  });

  it('blocks for a thread that is quiescent all the time, over and over, without missing a report', async () => {
    const vcpu = await running('quiescent');
    for (let i = 0; i < 2000; i++) memory.rcu.synchronizeBlocking({ timeoutMs: MISSED });
    expect(memory.stats().gracePeriods).to.equal(2000);
    expect(await vcpu.stop()).to.be.above(0); // many periods may pass while it gives way to one
  });

  it('waits asynchronously for two such threads, over and over', async () => {
    const vcpus = [await running('quiescent'), await running('quiescent')];
    for (let i = 0; i < 150; i++) await memory.rcu.synchronize();
    expect(memory.stats().gracePeriods).to.equal(150);
    for (const vcpu of vcpus) expect(await vcpu.stop()).to.be.above(0);
  });

  it('blocks for a thread that comes and goes, without missing its entry or its leave', async () => {
    const vcpu = await RemoteVcpu.attached(memory.handle, 'churn');
    await vcpu.begin('churn');
    for (let i = 0; i < 2000 || vcpu.rounds < 2000; i++) memory.rcu.synchronizeBlocking({ timeoutMs: MISSED });
    expect(await vcpu.stop()).to.be.at.least(2000);
  });

  it('is not ended by notifies for nothing, and not kept from its end by them', async () => {
    const notifier = new RemoteVcpu(memory.handle);
    await notifier.begin('notify');
    const stuck = await running('section');
    expectThrow(() => memory.rcu.synchronizeBlocking({ timeoutMs: 50 }), GracePeriodTimeout, "'section'");
    await stuck.stop();
    await stuck.begin('quiescent');
    for (let i = 0; i < 500; i++) memory.rcu.synchronizeBlocking({ timeoutMs: MISSED });
    expect(notifier.rounds).to.be.above(500);
  });

  it('does not wait for a thread that blocks offline', async () => {
    const idle = await running('idle');
    memory.rcu.synchronizeBlocking({ timeoutMs: MISSED });
    await memory.rcu.synchronize();
    await idle.stop();
    const wait = memory.rcu.synchronize();
    const tracked = track(wait);
    await turns();
    expect(tracked.settled, 'it is online again').to.equal(false);
    await idle.call('quiescent');
    await wait;
  });

  it('does not stop plugging while a thread is stuck', async () => {
    await running('section');
    for (let i = 0; i < 30; i++) memory.ram.plug({ id: `dimm${i}`, size: 64 * PAGE });
    expect(memory.stats().gracePeriods, 'none can have ended').to.equal(0);
    expect(memory.ram.end).to.equal(30 * 64 * PAGE);
  });
});
