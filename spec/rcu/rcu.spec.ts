import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import { GracePeriodTimeout, UsageError } from '../../lib/base/errors.js';
import { type DirtyMemory, type StallReport, VGA } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { describeEngines, foreignVcpu, PAGE, reportUntil, smallEngine } from '../support/engines.js';
import { track, turns, until } from '../support/promises.js';
import { expectReject, expectThrow, uncaughtDuring } from '../support/refusals.js';

describeEngines('Rcu', (shared) => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;
  let closeAtEnd: boolean;

  beforeEach(() => {
    memory = smallEngine();
    vcpu = foreignVcpu(memory, 'vcpu0');
    closeAtEnd = true;
  });

  afterEach(async () => {
    vcpu.detach();
    if (closeAtEnd) await memory.close();
  });

  const numberNow = (): number => Arena.attach('test', memory.handle).words.load(Header.Number);
  const [stuckHere, alone] = [{ timeoutMs: 1 }, () => vcpu.detach()];

  describe('synchronize', () => {
    it('resolves with no reader at all, and with all offline', async () => {
      vcpu.goOffline();
      await memory.rcu.synchronize();
      vcpu.detach();
      await memory.rcu.synchronize();
      expect(memory.stats().gracePeriods).to.equal(2);
    });

    it('waits for each online reader to report', async () => {
      const other = foreignVcpu(memory, 'vcpu1');
      const wait = memory.rcu.synchronize();
      const tracked = track(wait);
      await turns();
      vcpu.quiescent();
      await turns();
      expect(tracked.settled).to.equal(false);
      other.quiescent();
      await wait;
      other.detach();
    });

    it('waits for the report after a section, not for its end', async () => {
      vcpu.readLock();
      const wait = memory.rcu.synchronize();
      const tracked = track(wait);
      await turns();
      vcpu.readUnlock();
      await turns();
      expect(tracked.settled).to.equal(false);
      vcpu.quiescent();
      await wait;
    });

    it('takes the next period when one is running, whose readers may have reported already', async () => {
      const first = memory.rcu.synchronize();
      vcpu.quiescent();
      const second = memory.rcu.synchronize();
      const tracked = track(second);
      await first;
      await turns();
      expect(tracked.settled).to.equal(false);
      vcpu.quiescent();
      await second;
    });

    it('shares one period among all who came while another was running', async () => {
      const waits = [memory.rcu.synchronize()];
      for (let i = 0; i < 10; i++) waits.push(memory.rcu.synchronize());
      await reportUntil(vcpu, Promise.all(waits));
      expect(memory.stats().gracePeriods).to.equal(2);
    });

    it('rejects in time, naming the operation and who holds it up; the next wait works', async () => {
      const ready = foreignVcpu(memory, 'vcpu1');
      const stuck = memory.rcu.synchronize(stuckHere);
      ready.quiescent();
      const error = await stuck.then(
        () => expect.fail('resolved'),
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(GracePeriodTimeout);
      const { message, readers } = error as GracePeriodTimeout;
      expect(message).to.contain('synchronize').and.contain('1 ms').and.contain("'vcpu0' (identity 4711, slot 0)");
      expect(readers).to.deep.equal([{ name: 'vcpu0', identity: 4711, slot: 0, online: true, local: false }]);
      ready.detach();
      const wait = memory.rcu.synchronize();
      const tracked = track(wait);
      await turns();
      expect(tracked.settled, 'the period of before has not ended').to.equal(false);
      vcpu.quiescent();
      await until(() => memory.stats().gracePeriods === 1);
      await turns();
      expect(tracked.settled, 'the reader has reported to the period of before').to.equal(false);
      vcpu.quiescent();
      await wait;
    });

    it('begins no period that a timed-out wait before it has not seen the end of', async () => {
      await expectReject(() => memory.rcu.synchronize(stuckHere), GracePeriodTimeout);
      const number = numberNow();
      for (let i = 0; i < 40; i++)
        await expectReject(() => memory.rcu.synchronize({ timeoutMs: 0 }), GracePeriodTimeout);
      expect(numberNow()).to.equal(number);
    });

    it('rejects with the reason of a signal that aborts, before or meanwhile; the next wait works', async () => {
      const reason = new RangeError('no more');
      await expectReject(() => memory.rcu.synchronize({ signal: AbortSignal.abort(reason) }), RangeError, 'no more');
      const controller = new AbortController();
      const wait = memory.rcu.synchronize({ signal: controller.signal, timeoutMs: 60_000 });
      const tracked = track(wait);
      await turns();
      expect(tracked.settled).to.equal(false);
      controller.abort(reason);
      await expectReject(() => wait, RangeError, 'no more');
      alone();
      await memory.rcu.synchronize();
    });

    it('ignores a signal that aborts afterwards', async () => {
      alone();
      const controller = new AbortController();
      await memory.rcu.synchronize({ signal: controller.signal, timeoutMs: 60_000 });
      controller.abort(new Error('too late'));
      await memory.rcu.synchronize();
    });

    const refused: [what: string, options: unknown, type: new (...args: never[]) => Error, ...parts: string[]][] = [
      ['options that are none', 7, TypeError, 'options', '7'],
      ['a timeout that is no number', { timeoutMs: '5' }, TypeError, 'timeoutMs', "'5'"],
      ['a negative timeout', { timeoutMs: -1 }, RangeError, 'timeoutMs', '-1'],
      ['a timeout of NaN', { timeoutMs: Number.NaN }, RangeError, 'timeoutMs', 'NaN'],
      ['a timeout past what timers take', { timeoutMs: 2 ** 31 }, RangeError, 'timeoutMs', '2147483648', '2147483647'],
      ['a signal that is none', { signal: {} }, TypeError, 'signal', 'AbortSignal'],
    ];
    for (const [what, options, type, ...parts] of refused) {
      it(`refuses ${what}, beginning no period`, async () => {
        const number = numberNow();
        await expectReject(() => memory.rcu.synchronize(options as object), type, 'synchronize', ...parts);
        if (what.includes('timeout') || options === 7) {
          expectThrow(() => memory.rcu.synchronizeBlocking(options as object), type, 'synchronizeBlocking', ...parts);
        }
        expect(numberNow()).to.equal(number);
      });
    }

    it('takes Infinity and the largest timeout that timers take', async () => {
      alone();
      await memory.rcu.synchronize({ timeoutMs: Infinity });
      await memory.rcu.synchronize({ timeoutMs: 2 ** 31 - 1 });
    });
  });

  describe("an owner's thread that is itself a reader", () => {
    let own: Vcpu;
    beforeEach(() => {
      alone();
      own = attachVcpu(memory.handle, { name: 'own' });
    });
    afterEach(() => own.detach());

    it('is quiescent while it waits, in every form, and sees the tables of afterwards', async () => {
      const forms = [
        () => memory.rcu.synchronize(),
        async () => memory.rcu.synchronizeBlocking(),
        () => memory.rcu.barrier(),
        async () => {
          const cookie = memory.rcu.startPoll();
          await until(() => memory.rcu.poll(cookie));
        },
      ];
      for (const [i, form] of forms.entries()) {
        const before = own.cachedTables;
        memory.ram.plug({ id: `dimm${i}`, size: 64 * PAGE });
        expect(own.cachedTables, 'within the interval').to.deep.equal(before);
        await form();
        expect(own.cachedTables).to.not.deep.equal(before);
        expect(own.online).to.equal(true);
      }
    });

    it('is refused a wait from inside its own section, in every form, and nothing changes', async () => {
      const dimm = memory.ram.plug({ id: 'dimm', size: 64 * PAGE });
      await memory.rcu.synchronize();
      const waits: [name: string, wait: () => unknown][] = [
        ['synchronize', () => memory.rcu.synchronize()],
        ['synchronizeBlocking', () => memory.rcu.synchronizeBlocking()],
        ['barrier', () => memory.rcu.barrier()],
        ['harvest', () => memory.harvest(VGA)],
        ['testAndClear', () => memory.testAndClear(0, PAGE, VGA)],
        ['snapshotAndClear', () => memory.snapshotAndClear(0, PAGE, VGA)],
        ['syncBitmap', () => memory.syncBitmap(dimm)],
        ['unplug', () => memory.ram.unplug(dimm)],
        ['close', () => memory.close()],
      ];
      const before = { number: numberNow(), stats: memory.stats() };
      for (const [name, wait] of waits) {
        own.readLock();
        await expectReject(async () => wait(), UsageError, name, "'own'", 'inside a read-side section');
        own.readUnlock();
      }
      expect({ number: numberNow(), stats: memory.stats() }).to.deep.equal(before);
      expect(memory.isDirty(0, PAGE, VGA)).to.equal(true);
      expect([...memory.ram]).to.deep.equal([dimm]);
    });

    it('may plug, mark and hand over callbacks inside a section', async () => {
      let ran = false;
      own.read(() => {
        memory.ram.plug({ id: 'dimm', size: 64 * PAGE });
        memory.rcu.callRcu(() => {
          ran = true;
        });
        own.mark(0);
      });
      await memory.rcu.barrier();
      expect(ran).to.equal(true);
    });

    it('is not quiescent in a section that it opens while a wait is under way', async () => {
      const other = foreignVcpu(memory, 'other');
      const running = memory.rcu.synchronize();
      const wait = memory.rcu.synchronize();
      const tracked = track(wait);
      own.readLock();
      other.detach();
      await running;
      await turns();
      expect(tracked.settled, 'the next period has begun in the section').to.equal(false);
      expect(memory.rcu.poll(2)).to.equal(false);
      own.readUnlock();
      await wait;
    });

    it('may wait for one engine inside a section of another', async () => {
      const other = smallEngine();
      const elsewhere = attachVcpu(other.handle);
      elsewhere.readLock();
      await memory.rcu.synchronize();
      memory.rcu.synchronizeBlocking();
      elsewhere.detach();
      await other.close();
    });

    it('stays offline when it is', async () => {
      own.goOffline();
      await memory.rcu.synchronize();
      expect(own.online).to.equal(false);
    });
  });

  describe('synchronizeBlocking', () => {
    it('returns when every reader is offline or of this thread', () => {
      const own = attachVcpu(memory.handle);
      vcpu.goOffline();
      memory.rcu.synchronizeBlocking();
      own.detach();
      expect(memory.stats().gracePeriods).to.equal(1);
    });

    it('refuses to wait for ever, since it would for a reader that has died', () => {
      const number = numberNow();
      const call = (): void => memory.rcu.synchronizeBlocking({ timeoutMs: Infinity });
      expectThrow(call, RangeError, 'synchronizeBlocking', 'timeoutMs', 'Infinity', '2147483647', 'has died');
      expect(numberNow()).to.equal(number);
    });

    // One thread cannot wait, blocking, for another reader: there is none.
    if (shared) {
      it('throws in time, naming who holds it up; the next wait works, of either form', async () => {
        const call = (): void => memory.rcu.synchronizeBlocking({ timeoutMs: 2 });
        expectThrow(call, GracePeriodTimeout, 'synchronizeBlocking', '2 ms', "'vcpu0'");
        const died = ['blocked', 'has ended', 'await synchronize', 'retire'];
        expectThrow(call, GracePeriodTimeout, 'synchronizeBlocking', '2 ms', "'vcpu0'", ...died);
        expect(vcpu.kicked, 'asked to hurry').to.equal(true);
        alone();
        memory.rcu.synchronizeBlocking();
        await memory.rcu.synchronize();
      });

      it("takes the engine's stall time for its limit", async () => {
        const quick = smallEngine({ stallMs: 3 });
        const stuck = foreignVcpu(quick, 'stuck');
        expectThrow(() => quick.rcu.synchronizeBlocking(), GracePeriodTimeout, '3 ms', "'stuck'");
        stuck.detach();
        await quick.close();
      });
    }

    it('leaves a period behind that ends by itself', async () => {
      expectThrow(() => memory.rcu.synchronizeBlocking({ timeoutMs: 0 }), GracePeriodTimeout);
      vcpu.quiescent();
      await until(() => memory.stats().gracePeriods === 1);
    });
  });

  describe('polling', () => {
    it('says so in the step in which the last reader has reported, without a turn of the event loop', () => {
      const cookie = memory.rcu.startPoll();
      expect(memory.rcu.poll(cookie)).to.equal(false);
      vcpu.quiescent();
      expect(memory.rcu.poll(cookie)).to.equal(true);
      expect(memory.rcu.poll(cookie), 'and for ever').to.equal(true);
    });

    it('gives a cookie of the next period while one runs', () => {
      const first = memory.rcu.startPoll();
      const [second, third] = [memory.rcu.startPoll(), memory.rcu.startPoll()];
      expect([second, third]).to.deep.equal([first + 1, first + 1]);
      vcpu.quiescent();
      expect([first, second].map((cookie) => memory.rcu.poll(cookie))).to.deep.equal([true, false]);
      vcpu.quiescent();
      expect(memory.rcu.poll(second)).to.equal(true);
    });

    it('ends the period without being asked', async () => {
      memory.rcu.startPoll();
      vcpu.quiescent();
      await until(() => memory.stats().gracePeriods === 1);
    });

    it('refuses what startPoll cannot have returned', () => {
      const cookie = memory.rcu.startPoll();
      for (const wrong of [0, -1, 1.5, Number.NaN, cookie + 2, Infinity]) {
        expectThrow(() => memory.rcu.poll(wrong), RangeError, 'poll', 'cookie', wrong);
      }
      expectThrow(() => memory.rcu.poll('1' as unknown as number), TypeError, 'poll', 'cookie', "'1'");
    });
  });

  describe('callRcu', () => {
    it('begins a period inside the call when none is running, and asks for the next when one is', () => {
      const before = numberNow();
      memory.rcu.callRcu(() => {});
      expect(numberNow()).to.not.equal(before);
      const first = numberNow();
      memory.rcu.callRcu(() => {});
      expect(numberNow()).to.equal(first);
      vcpu.quiescent();
      memory.rcu.poll(1);
      expect(numberNow(), 'begun in the step that saw the first end').to.not.equal(first);
    });

    it('runs callbacks in their order, after the readers of their time have reported', async () => {
      const order: string[] = [];
      memory.rcu.callRcu(() => order.push('a'));
      memory.rcu.callRcu(() => order.push('b'));
      await turns();
      expect(order).to.deep.equal([]);
      vcpu.quiescent();
      await until(() => order.length > 0);
      memory.rcu.callRcu(() => order.push('c'));
      await turns();
      expect(order, 'the second came while the period of the first was running').to.deep.equal(['a']);
      vcpu.quiescent();
      await until(() => order.length > 1);
      vcpu.quiescent();
      await until(() => order.length > 2);
      expect(order).to.deep.equal(['a', 'b', 'c']);
    });

    it("runs them in a turn of their own, never inside an owner's step", async () => {
      alone();
      let inStep = true;
      let ran = false;
      memory.rcu.callRcu(() => {
        expect(inStep).to.equal(false);
        ran = true;
      });
      memory.rcu.synchronizeBlocking();
      memory.ram.plug({ id: 'dimm', size: 64 * PAGE });
      memory.rcu.poll(1);
      await null;
      expect(ran, 'though its period has ended').to.equal(false);
      inStep = false;
      await memory.rcu.barrier();
      expect(ran).to.equal(true);
    });

    it("makes an error of one the process's uncaught error, and runs the others", async () => {
      alone();
      const [first, second] = [new Error('first'), new Error('second')];
      const ran: string[] = [];
      const errors = await uncaughtDuring(async () => {
        for (const error of [first, second]) {
          memory.rcu.callRcu(() => {
            throw error;
          });
          memory.rcu.callRcu(() => ran.push(`after ${error.message}`));
        }
        await memory.rcu.barrier();
      });
      expect(errors).to.deep.equal([first, second]);
      expect(ran).to.deep.equal(['after first', 'after second']);
      await memory.rcu.synchronize();
    });

    it('lets them plug, unplug, harvest, wait and hand over more', async () => {
      alone();
      const done: string[] = [];
      const pending: Promise<unknown>[] = [];
      const dimm = memory.ram.plug({ id: 'dimm', size: 64 * PAGE });
      memory.rcu.callRcu(() => {
        memory.ram.plug({ id: 'more', size: 64 * PAGE });
        pending.push(memory.harvest(VGA).then(({ added }) => done.push(`harvested ${added}`)));
        pending.push(memory.ram.unplug(dimm).then(() => done.push('unplugged')));
        memory.rcu.synchronizeBlocking();
        memory.rcu.callRcu(() => done.push('called'));
      });
      await memory.rcu.barrier();
      await memory.rcu.barrier();
      await Promise.all(pending);
      expect(done).to.have.members(['harvested 64', 'unplugged', 'called']);
      expect([...memory.ram].map(({ id }) => id)).to.deep.equal(['more']);
    });

    it('counts those that wait', async () => {
      for (let i = 0; i < 5; i++) memory.rcu.callRcu(() => {});
      expect(memory.stats().callbacksPending).to.equal(5);
      alone();
      await memory.rcu.barrier();
      expect(memory.stats().callbacksPending).to.equal(0);
    });

    it('refuses what is no function', () => {
      const number = numberNow();
      expectThrow(() => memory.rcu.callRcu({} as () => void), TypeError, 'callRcu', 'callback', 'function');
      expect(numberNow()).to.equal(number);
    });
  });

  describe('barrier', () => {
    it('resolves when all callbacks handed over before it have run, with none too', async () => {
      alone();
      let ran = 0;
      for (let i = 0; i < 100; i++) memory.rcu.callRcu(() => ran++);
      const barrier = memory.rcu.barrier();
      expect(ran).to.equal(0);
      await barrier;
      expect(ran).to.equal(100);
      await memory.rcu.barrier();
    });

    it('waits for the readers that the callbacks wait for', async () => {
      const barrier = memory.rcu.barrier();
      const tracked = track(barrier);
      await turns();
      expect(tracked.settled).to.equal(false);
      vcpu.quiescent();
      await barrier;
    });
  });

  describe('kicking', () => {
    it('asks the readers that a wait is held up by, and no others', async () => {
      const ready = foreignVcpu(memory, 'ready');
      const wait = memory.rcu.synchronize();
      ready.quiescent();
      expect(memory.rcu.holdouts().map(({ name }) => name)).to.deep.equal(['vcpu0']);
      await until(() => vcpu.kicked);
      expect(ready.kicked).to.equal(false);
      vcpu.quiescent();
      expect(vcpu.kicked).to.equal(false);
      await wait;
      expect(memory.rcu.holdouts()).to.deep.equal([]);
      ready.detach();
    });

    it('is done at once by hand', () => {
      memory.rcu.startPoll();
      expect(vcpu.kicked).to.equal(false);
      memory.rcu.kick();
      expect(vcpu.kicked).to.equal(true);
    });

    it('asks again for every period that a wait goes through', async () => {
      memory.rcu.startPoll();
      const wait = memory.rcu.synchronize();
      for (let period = 0; period < 2; period++) {
        await until(() => vcpu.kicked);
        vcpu.quiescent();
      }
      await wait;
    });
  });

  describe('a stalled period', () => {
    let stalling: DirtyMemory;
    let stuck: Vcpu;
    beforeEach(() => {
      stalling = smallEngine({ stallMs: 5 });
      stuck = foreignVcpu(stalling, 'stuck');
    });
    afterEach(async () => {
      stuck.detach();
      await stalling.close();
    });

    it('is reported with the readers it waits for, and again for as long as it lasts', async () => {
      const ready = foreignVcpu(stalling, 'ready');
      const reports: StallReport[] = [];
      stalling.on('stall', (report) => reports.push(report));
      const wait = stalling.rcu.synchronize();
      ready.quiescent();
      await until(() => reports.length >= 2);
      for (const { gracePeriodMs, readers } of reports) {
        expect(gracePeriodMs).to.be.at.least(5);
        expect(readers).to.deep.equal([{ name: 'stuck', identity: 4711, slot: 0, online: true, local: false }]);
      }
      expect(reports[1]?.gracePeriodMs).to.be.above(reports[0]?.gracePeriodMs ?? Infinity);
      stuck.quiescent();
      await wait;
      ready.detach();
    });

    it('is reported when nobody waits for it, but for a later look', async () => {
      const reports: StallReport[] = [];
      stalling.on('stall', (report) => reports.push(report));
      stalling.rcu.startPoll();
      await until(() => reports.length > 0);
    });

    it('becomes a process warning when nobody listens, or nobody does any more', async () => {
      for (const listener of [undefined, () => expect.fail('was taken off')]) {
        if (listener !== undefined) {
          stalling.on('stall', listener);
          stalling.off('stall', listener);
        }
        const warning = await nextWarning(() => void stalling.rcu.startPoll());
        expect(warning.name).to.equal('DirtyMemoryWarning');
        expect(warning.message).to.contain('a reader calls quiescent()').and.to.contain('supervise(worker)');
        expect(warning.message).to.contain("'stuck' (identity 4711, slot 0)");
        stuck.quiescent();
        await until(() => stalling.rcu.holdouts().length === 0);
      }
    });

    it('lets listeners do and throw what they like', async () => {
      const boom = new Error('boom');
      let plugged = false;
      const errors = await uncaughtDuring(async () => {
        const listener = (): void => {
          stalling.off('stall', listener);
          stalling.ram.plug({ id: 'dimm', size: 64 * PAGE });
          plugged = true;
          throw boom;
        };
        stalling.on('stall', listener);
        stalling.on('stall', () => {});
        const wait = stalling.rcu.synchronize();
        await until(() => plugged);
        stuck.quiescent();
        await wait;
      });
      expect(errors).to.deep.equal([boom]);
    });
  });

  describe('closing', () => {
    beforeEach(() => {
      closeAtEnd = false;
    });

    it('waits for the callbacks and the waits that are under way', async () => {
      const ended: string[] = [];
      memory.rcu.callRcu(() => ended.push('callback'));
      const wait = memory.rcu.synchronize().then(() => ended.push('wait'));
      const closing = memory.close().then(() => ended.push('close'));
      await turns();
      expect(ended).to.deep.equal([]);
      await reportUntil(vcpu, Promise.all([wait, closing]));
      expect(ended).to.have.members(['callback', 'wait', 'close']);
      expect(ended.at(-1)).to.equal('close');
    });

    it('refuses what would begin a wait that nobody is left to end', async () => {
      const dimm = memory.ram.plug({ id: 'dimm', size: 64 * PAGE });
      await reportUntil(vcpu, memory.rcu.synchronize());
      const closing = memory.close();
      const waits: [name: string, wait: () => unknown][] = [
        ['synchronize', () => memory.rcu.synchronize()],
        ['synchronizeBlocking', () => memory.rcu.synchronizeBlocking()],
        ['callRcu', () => memory.rcu.callRcu(() => {})],
        ['barrier', () => memory.rcu.barrier()],
        ['startPoll', () => memory.rcu.startPoll()],
        ['plug', () => memory.ram.plug({ id: 'more', size: 64 * PAGE })],
        ['unplug', () => memory.ram.unplug(dimm)],
        ['harvest', () => memory.harvest(VGA)],
      ];
      for (const [name, wait] of waits) {
        await expectReject(async () => wait(), UsageError, name, 'the engine is closing');
      }
      await reportUntil(vcpu, closing);
    });

    it('waits for the callbacks that callbacks hand over meanwhile, however long the chain', async () => {
      const ran: number[] = [];
      const next = (): void => {
        ran.push(ran.length);
        if (ran.length < 10) memory.rcu.callRcu(next);
      };
      const errors = await uncaughtDuring(async () => {
        memory.rcu.callRcu(next);
        await reportUntil(vcpu, memory.close());
      });
      expect(errors).to.deep.equal([]);
      expect(ran).to.have.length(10);
    });

    it('is refused by a callback that hands itself over again and again, which goes on; without it, it closes', async () => {
      let ran = 0;
      let stopped = false;
      const again = (): void => {
        ran++;
        if (!stopped) memory.rcu.callRcu(again);
      };
      const errors = await uncaughtDuring(async () => {
        again();
        await expectReject(() => reportUntil(vcpu, memory.close()), UsageError, 'close', 'callRcu', 'again', 16);
        const before = ran;
        await reportUntil(vcpu, memory.rcu.barrier());
        await reportUntil(vcpu, memory.rcu.barrier());
        expect(ran).to.be.above(before);
        stopped = true;
        await reportUntil(vcpu, memory.close());
      });
      expect(errors).to.deep.equal([]);
    });

    it('gives up in time when a callback hands over another that waits for a reader which reports no more', async () => {
      memory.rcu.callRcu(() => memory.rcu.callRcu(() => {}));
      const closing = memory.close({ timeoutMs: 50 });
      await turns();
      vcpu.quiescent();
      await until(() => memory.stats().callbacksPending === 1);
      vcpu.quiescent(); // for the period of the closing itself
      await expectReject(() => closing, GracePeriodTimeout, 'close', "'vcpu0'");
      expect(memory.stats().callbacksPending).to.equal(1);
      alone();
      await memory.close();
    });

    it('tells whoever closes, not the process, of what it has refused a callback, and can be asked again', async () => {
      const ran: string[] = [];
      const errors = await uncaughtDuring(async () => {
        memory.rcu.callRcu(() => void memory.ram.plug({ id: 'more', size: 64 * PAGE }));
        memory.rcu.callRcu(() => ran.push('the next'));
        const closing = reportUntil(vcpu, memory.close());
        const error = await closing.then(
          () => expect.fail('closed'),
          (reason: unknown) => reason,
        );
        expect(error).to.be.instanceOf(UsageError).and.have.property('message').that.includes('close');
        expect((error as Error).cause)
          .to.be.instanceOf(UsageError)
          .and.have.property('message')
          .that.includes('plug');
        await reportUntil(vcpu, memory.close());
      });
      expect(errors).to.deep.equal([]);
      expect(ran).to.deep.equal(['the next']);
    });

    for (const boom of [new Error('boom'), new UsageError('boom: no refusal of this engine')]) {
      it(`leaves to the process what a callback throws of its own, such as a ${boom.name}`, async () => {
        const errors = await uncaughtDuring(async () => {
          memory.rcu.callRcu(() => {
            throw boom;
          });
          await reportUntil(vcpu, memory.close());
        });
        expect(errors).to.deep.equal([boom]);
      });
    }

    it('rejects waits that it does not see the end of, and those that begin later', async () => {
      const closing = memory.close();
      await turns();
      const { rcu } = memory;
      const late = rcu.waitFor('late', rcu.request(), {});
      late.catch(() => {});
      vcpu.quiescent(); // the closing has seen enough; the period after it, not
      await closing;
      await expectReject(() => late, UsageError, 'late', 'the engine was closed meanwhile');
      const later = rcu.waitFor('later', rcu.completed + 2, {});
      await expectReject(() => later, UsageError, 'later', 'the engine is closed');
      await rcu.waitFor('ended', rcu.completed, {});
    });

    it('leaves the engine as it was when it times out', async () => {
      await expectReject(() => memory.close(stuckHere), GracePeriodTimeout, 'close', "'vcpu0'");
      await reportUntil(vcpu, memory.rcu.synchronize());
      alone();
      await memory.close();
    });

    it('ends every form of waiting', async () => {
      alone();
      await memory.close();
      const { rcu } = memory;
      const waits: [name: string, wait: () => unknown][] = [
        ['synchronize', () => rcu.synchronize()],
        ['synchronizeBlocking', () => rcu.synchronizeBlocking()],
        ['callRcu', () => rcu.callRcu(() => {})],
        ['barrier', () => rcu.barrier()],
        ['startPoll', () => rcu.startPoll()],
        ['kick', () => rcu.kick()],
      ];
      for (const [name, wait] of waits) {
        await expectReject(async () => wait(), UsageError, name, 'closed');
      }
    });
  });
});

/** The first warning that the process gets from `cause` on; others do not see it. */
function nextWarning(cause: () => void): Promise<Error> {
  const others = process.listeners('warning');
  process.removeAllListeners('warning');
  return new Promise((resolve) => {
    process.once('warning', (warning) => {
      for (const other of others) process.on('warning', other);
      resolve(warning);
    });
    cause();
  });
}
