import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { GracePeriodTimeout } from '../../lib/base/errors.js';
import type { DirtyMemory } from '../../lib/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { track, turns } from '../support/promises.js';
import { expectThrow } from '../support/refusals.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';

describe('vCPUs on worker threads: retirement', () => {
  let memory: DirtyMemory;
  beforeEach(() => {
    memory = smallEngine({ maxReaders: 1 });
  });
  afterEach(async () => {
    await endThreads();
    await memory.close();
  });

  const supervised = async (name = 'vcpu'): Promise<RemoteVcpu> => {
    const vcpu = await RemoteVcpu.attached(memory.handle, name);
    memory.supervise(vcpu.worker);
    return vcpu;
  };
  const attachedNow = (): number => memory.stats().readersAttached;
  const names = (): string[] => memory.rcu.holdouts().map(({ name }) => name);

  const ends: [what: string, end: (vcpu: RemoteVcpu) => Promise<number>, code: number, failure?: string][] = [
    ['returns', (vcpu) => vcpu.leave('return'), 0],
    ['calls process.exit', (vcpu) => vcpu.leave('exit'), 7],
    ['dies of an uncaught error', (vcpu) => vcpu.leave('throw'), 1, 'RangeError: nobody catches this'],
    ['is terminated', (vcpu) => vcpu.worker.terminate(), 1],
  ];

  for (const [what, end, code, failure = 'undefined'] of ends) {
    it(`retires a thread that ${what} without detaching, online or in a section`, async () => {
      for (const inSection of [false, true]) {
        const vcpu = await supervised();
        if (inSection) await vcpu.call('readLock');
        const wait = memory.rcu.synchronize();
        const tracked = track(wait);
        await turns();
        expect(tracked.settled, 'it holds the period up').to.equal(false);
        expect([await end(vcpu), String(vcpu.failure)]).to.deep.equal([code, failure]);
        expect(attachedNow()).to.equal(0);
        await wait;
      }
    });
  }

  for (const loop of ['spin', 'section', 'quiescent', 'whenKicked'] as const) {
    it(`ends a period that waits for a thread killed in the middle of: ${loop}`, async () => {
      const vcpu = await supervised();
      await vcpu.begin(loop);
      const wait = memory.rcu.synchronize();
      await vcpu.worker.terminate();
      await wait;
      await memory.rcu.synchronize();
      expect(attachedNow()).to.equal(0);
    });
  }

  it('retires a thread that is killed while it is blocked offline', async () => {
    const vcpu = await supervised();
    await vcpu.begin('idle');
    await memory.rcu.synchronize();
    await vcpu.worker.terminate();
    expect(attachedNow()).to.equal(0);
  });

  it('does not retire at the call of terminate, for the thread may still run', async () => {
    const vcpu = await supervised();
    await vcpu.begin('section');
    const terminated = vcpu.worker.terminate();
    expect(attachedNow()).to.equal(1);
    expectThrow(() => memory.rcu.synchronizeBlocking({ timeoutMs: 20 }), GracePeriodTimeout, "'vcpu'");
    expect(attachedNow(), 'no event has been heard').to.equal(1);
    await terminated;
    expect(attachedNow()).to.equal(0);
    await memory.rcu.synchronize();
  });

  it("does not retire the slot's next tenant", async () => {
    const first = await supervised('first');
    const second = new RemoteVcpu(memory.handle);
    await first.call('detach');
    await second.attach({ name: 'second' });
    await second.begin('section');
    const wait = memory.rcu.synchronize();
    const tracked = track(wait);
    await first.worker.terminate();
    await turns();
    expect(attachedNow()).to.equal(1);
    expect(names()).to.deep.equal(['second']);
    expect(tracked.settled).to.equal(false);
    memory.supervise(second.worker);
    await second.worker.terminate();
    await wait;
  });

  it('retires once, however often it is asked to supervise', async () => {
    const vcpu = await supervised();
    for (let i = 0; i < 20; i++) memory.supervise(vcpu.worker);
    expect(vcpu.worker.listenerCount('exit')).to.be.below(5);
    await vcpu.worker.terminate();
    expect(attachedNow()).to.equal(0);
  });

  it('serves two engines that one thread is a reader of', async () => {
    const other = smallEngine();
    const vcpu = await supervised();
    const elsewhere = await RemoteVcpu.attached(other.handle, 'elsewhere');
    other.supervise(elsewhere.worker);
    other.supervise(vcpu.worker);
    await vcpu.worker.terminate();
    expect([attachedNow(), other.stats().readersAttached]).to.deep.equal([0, 1]);
    await elsewhere.worker.terminate();
    expect(other.stats().readersAttached).to.equal(0);
    await other.close();
  });

  it('is not done to a thread that nobody supervises', async () => {
    const vcpu = await RemoteVcpu.attached(memory.handle, 'alone');
    await vcpu.begin('section');
    await vcpu.worker.terminate();
    expect(attachedNow()).to.equal(1);
    expectThrow(() => memory.rcu.synchronizeBlocking({ timeoutMs: 1 }), GracePeriodTimeout, "'alone'");
    expect(memory.retire(vcpu.identity)).to.equal(1);
    await memory.rcu.synchronize();
  });

  it('is done by hand for a thread of a thread, whose end no event tells the owner', async () => {
    const middle = new Worker(new URL('./nesting-worker.js', import.meta.url), { workerData: memory.handle });
    try {
      const [identity] = (await once(middle, 'message')) as [number];
      const wait = memory.rcu.synchronize();
      const tracked = track(wait);
      middle.postMessage('kill');
      expect(await once(middle, 'message')).to.deep.equal(['gone']);
      await turns();
      expect(tracked.settled).to.equal(false);
      expect(memory.rcu.holdouts().map((reader) => reader.identity)).to.deep.equal([identity]);
      expect(memory.retire(identity)).to.equal(1);
      await wait;
      expect(memory.retire(identity)).to.equal(0);
    } finally {
      await middle.terminate();
    }
  });

  it('lets an unplugging end that waits for the dead thread alone, and the memory is used again', async () => {
    const vcpu = await supervised();
    const dimm = memory.ram.plug({ id: 'dimm', size: 64 * PAGE });
    const { arenaBytesInUse } = memory.stats();
    await vcpu.call('quiescent');
    await vcpu.begin('section');
    const unplugged = memory.ram.unplug(dimm);
    await vcpu.worker.terminate();
    await unplugged;
    memory.ram.plug({ id: 'dimm', size: 64 * PAGE });
    await memory.rcu.synchronize();
    expect(memory.stats().arenaBytesInUse).to.be.at.most(arenaBytesInUse);
  });

  it('is refused where the event may come before the end of the thread, as in Deno, and the error names the way', async () => {
    const library = new URL('../../lib/index.js', import.meta.url).href;
    const code = `
      import { parentPort, Worker } from 'node:worker_threads';
      globalThis.Deno = {};
      const { DirtyMemory } = await import('${library}');
      const worker = new Worker('', { eval: true });
      const memory = DirtyMemory.create();
      try {
        memory.supervise(worker);
      } catch (error) {
        parentPort.postMessage([error.name, error.message, worker.listenerCount('exit'), memory.retire(5)]);
      }`;
    const elsewhere = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    const [[name, message, listeners, retired]] = await once(elsewhere, 'message');
    await elsewhere.terminate();
    expect([name, listeners, retired]).to.deep.equal(['UsageError', 0, 0]);
    expect(message).to.match(/^supervise: in Deno .* call retire/);
  });

  it('refuses what is no worker, and one that has ended', async () => {
    for (const wrong of [null, 7, {}, { once: () => {} }]) {
      expectThrow(() => memory.supervise(wrong as never), TypeError, 'supervise', 'worker');
    }
    const vcpu = new RemoteVcpu(memory.handle);
    await vcpu.worker.terminate();
    expectThrow(() => memory.supervise(vcpu.worker), TypeError, 'supervise', 'threadId', '-1');
  });
});
