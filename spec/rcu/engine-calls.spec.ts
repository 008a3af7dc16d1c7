import { expect } from 'chai';
import { Slot, Slots } from '../../lib/arena/layout.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { type DirtyMemory, UsageError } from '../../lib/index.js';
import type { Rcu } from '../../lib/rcu/rcu.js';
import { Trace, type TraceEvent } from '../../lib/trace/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { describeEngines, foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { track, turn } from '../support/promises.js';
import { expectReject, expectThrow } from '../support/refusals.js';

describeEngines('what other parts of the engine ask of grace periods', () => {
  let memory: DirtyMemory;
  let rcu: Rcu;
  let vcpu: Vcpu;
  let vcpus: Vcpu[];
  beforeEach(() => {
    memory = smallEngine({ traceEvents: 64 });
    ({ rcu } = memory);
    vcpus = [];
    vcpu = attach('vcpu0');
  });
  afterEach(async () => {
    for (const attached of vcpus) attached.detach();
    await memory.close();
  });

  /** It reports only when the spec makes it. */
  const attach = (name: string): Vcpu => {
    const attached = foreignVcpu(memory, name);
    vcpus.push(attached);
    return attached;
  };

  /** What the owner has recorded since the last call. */
  const recorded = (trace: Trace, kind: TraceEvent['kind']): TraceEvent[] =>
    trace.take().filter((event) => event.kind === kind);

  describe('functions that run after a period', () => {
    it('run in the step that sees its end, whose cookie their caller gets', () => {
      let ran = false;
      const cookie = rcu.defer(() => {
        ran = true;
      });
      expect(rcu.poll(cookie)).to.equal(false);
      vcpu.quiescent();
      rcu.step();
      expect(ran).to.equal(true);
      expect(rcu.poll(cookie)).to.equal(true);
    });

    it('share the period of all that is asked for together, and each runs once', async () => {
      const ran: string[] = [];
      const cookies = await Promise.all(
        ['a', 'b'].map((name) => rcu.requestTogether('harvest', () => void ran.push(name))),
      );
      expect(cookies).to.deep.equal([1, 1]);
      expect(await rcu.requestTogether('harvest'), 'asked for later').to.equal(2);
      expect(ran).to.deep.equal([]);
      for (const cookie of [1, 2]) {
        vcpu.quiescent();
        rcu.step();
        expect([rcu.completed, ...ran]).to.deep.equal([cookie, 'a', 'b']);
      }
    });
  });

  describe('who is waited for', () => {
    it('is described for messages, in which nobody is nothing', () => {
      rcu.startPoll();
      expect(rcu.describeHoldouts()).to.include("waiting for 'vcpu0' (identity 4711, slot 0)");
      vcpu.goOffline();
      expect(rcu.describeHoldouts()).to.equal('');
    });

    it('is told of the next period, when the running one has ended and another is wanted', () => {
      const cookies = [rcu.startPoll(), rcu.startPoll()];
      vcpu.quiescent();
      expect(rcu.holdouts().map(({ name }) => name)).to.deep.equal(['vcpu0']);
      expect(cookies.map((cookie) => rcu.completed >= cookie)).to.deep.equal([true, false]);
    });

    it('is nobody while no period runs, not even a reader that is about to enter', () => {
      rcu.startPoll();
      vcpu.quiescent();
      rcu.step();
      const { words } = engineOf(memory).arena;
      const state = words.load(vcpu.slot + Slot.State);
      words.store(vcpu.slot + Slot.State, state - 2);
      expect(rcu.holdouts()).to.deep.equal([]);
      words.store(vcpu.slot + Slot.State, state);
    });

    it('is known reader by reader', () => {
      const second = attach('vcpu1');
      const cookie = rcu.startPoll();
      const reported = (): boolean[] =>
        [vcpu, second].map(({ slot }) => rcu.hasReported((slot - Slots.first) / Slots.size, cookie));
      expect(reported()).to.deep.equal([false, false]);
      second.quiescent();
      expect(reported()).to.deep.equal([false, true]);
      vcpu.quiescent();
      expect(reported()).to.deep.equal([true, true]);
    });

    it('is not a retired reader any more, which the owner sees and records at once', () => {
      const trace = Trace.open(memory.handle);
      const cookie = rcu.startPoll();
      expect(memory.retire(99)).to.equal(0);
      expect(recorded(trace, 'retire')).to.deep.equal([]);
      expect(memory.retire(4711)).to.equal(1);
      expect(rcu.completed).to.equal(cookie);
      expect(recorded(trace, 'retire')).to.have.lengthOf(1);
      vcpus = [];
    });
  });

  describe('a wait', () => {
    it('is recorded with its operation and its period, when it blocks too, and not when it is refused', async () => {
      const trace = Trace.open(memory.handle);
      await expectReject(() => rcu.synchronize({ signal: AbortSignal.abort(new RangeError('no')) }), RangeError);
      expect(recorded(trace, 'wait')).to.deep.equal([]);
      vcpu.goOffline();
      const next = rcu.completed + 2; // the refused one had its period
      await rcu.synchronize();
      rcu.synchronizeBlocking();
      const waits = recorded(trace, 'wait').map((event) =>
        event.kind === 'wait' ? [event.operation, event.period] : [],
      );
      expect(waits).to.deep.equal([
        ['synchronize', next],
        ['synchronize', next + 1],
      ]);
      vcpu.goOnline();
    });

    it('rejects when its signal has aborted before, though there is nobody to wait for', async () => {
      vcpu.goOffline();
      await expectReject(() => rcu.synchronize({ signal: AbortSignal.abort(new RangeError('no')) }), RangeError, 'no');
      vcpu.goOnline();
    });

    it('has its caller look when readers may have reported, and when all have', async () => {
      let looks = 0;
      const cookie = rcu.request();
      const waited = rcu.waitFor('synchronize', cookie, {}, undefined, () => looks++);
      expect(looks, 'before it waits').to.be.above(0);
      looks = 0;
      vcpu.quiescent();
      await waited;
      expect(looks, 'at the end').to.be.above(0);
      looks = 0;
      expect(rcu.endsAtOnce('synchronize', cookie, () => looks++)).to.equal(true);
      expect(looks, 'without waiting').to.equal(1);
    });

    it('has its caller look a last time when the engine closes, which has seen the end itself', async () => {
      let looks = 0;
      let looksAtClose = 0;
      rcu.startPoll(); // so that the closing waits for the same period as this wait
      const waited = rcu.waitFor('synchronize', rcu.request(), {}, undefined, () => looks++);
      const { endsAtOnce } = rcu;
      rcu.endsAtOnce = (...of) => {
        vcpu.detach();
        const ended = endsAtOnce.apply(rcu, of);
        looksAtClose = looks;
        return ended;
      };
      await memory.close();
      await waited;
      expect(looks).to.equal(looksAtClose + 1);
    });

    it('for something else lasts as long as that, and fails with it', async () => {
      let end = (): void => {};
      const held = rcu.holdingFor(
        new Promise((resolve) => {
          end = resolve;
        }),
      );
      const tracked = track(held);
      await turn();
      expect(tracked.settled).to.equal(false);
      end();
      await held;
      await expectReject(() => rcu.holdingFor(Promise.reject(new RangeError('boom'))), RangeError, 'boom');
    });
  });

  describe('that all readers are stopped', () => {
    it('is so when those of other threads are offline, and ends the intervals of its own', () => {
      vcpu.goOffline();
      const own = attachVcpu(memory.handle, { name: 'own' });
      const before = own.cachedTables;
      memory.ram.plug({ id: 'dimm', size: 64 * PAGE });
      expect(own.cachedTables, 'within the interval').to.deep.equal(before);
      rcu.startPoll();
      rcu.checkStopped('spec');
      expect(own.cachedTables).to.not.deep.equal(before);
      own.detach();
      vcpu.goOnline();
    });

    it('is refused while one is online, naming it, and what to do', () => {
      attach('elsewhere').goOffline();
      const own = attachVcpu(memory.handle, { name: 'own' });
      const parts = ['spec', 'offline all the time', "online are 'vcpu0' (identity 4711, slot 0). ", 'goOffline'];
      expectThrow(() => rcu.checkStopped('spec', 'all the time'), UsageError, ...parts);
      own.detach();
    });

    it('is refused inside a section of its own, and when the engine is closed', async () => {
      vcpu.goOffline();
      const own = attachVcpu(memory.handle, { name: 'own' });
      own.read(() => expectThrow(() => rcu.checkStopped('spec'), UsageError, 'spec', "'own'", 'section'));
      own.detach();
      await memory.close();
      expectThrow(() => rcu.checkStopped('spec'), UsageError, 'spec', 'closed');
    });
  });

  describe('closing', () => {
    it('lets callbacks hand over others for 16 periods', async () => {
      vcpu.goOffline();
      const { waitFor } = rcu;
      let waits = 0;
      rcu.waitFor = (...of) => {
        waits++;
        return waitFor.apply(rcu, of);
      };
      let stopped = false;
      const again = (): void => {
        if (!stopped) rcu.callRcu(again);
      };
      again();
      await expectReject(() => memory.close(), UsageError, 'close', '16 grace periods');
      expect(waits).to.equal(16);
      stopped = true;
    });

    it('lets a callback hand over another one, though none has run before', async () => {
      let ran = 0;
      rcu.callRcu(() => rcu.callRcu(() => ran++));
      vcpu.goOffline();
      await memory.close();
      expect(ran).to.equal(1);
    });

    it('refuses callbacks from outside, though none has run before', async () => {
      vcpu.goOffline();
      const closing = memory.close();
      expectThrow(() => rcu.callRcu(() => {}), UsageError, 'callRcu', 'closing');
      await closing;
    });
  });
});
