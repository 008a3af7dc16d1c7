/** What strangers get wrong in their first hour, and that each message says what to do instead. */
import {
  ArenaFullError,
  CODE,
  changedRectangles,
  DirtyMemory,
  GracePeriodTimeout,
  MIGRATION,
  UsageError,
  VGA,
} from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

describe('A mistake of the first hour', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 4 * PAGE });
    vcpu = attachVcpu(memory.handle);
  });
  afterEach(async () => {
    vcpu.detach();
    await memory.close();
  });

  describe('with a handle', () => {
    it('that is the engine itself, or anything else, is told where handles come from', () => {
      for (const handle of [memory, undefined, null, 'handle', new SharedArrayBuffer(64), {}]) {
        expectThrow(() => attachVcpu(handle as never), TypeError, 'attachVcpu: handle', 'memory.handle', 'workerData');
      }
    });

    it('that went through JSON is told that it cannot', () => {
      const handle = JSON.parse(JSON.stringify(memory.handle));
      expectThrow(() => attachVcpu(handle), TypeError, 'handle.memory', 'not a proxy or a copy by JSON');
    });

    it('or an engine by new is told of create', () => {
      const Constructor = DirtyMemory as unknown as new () => DirtyMemory;
      expectThrow(() => new Constructor(), UsageError, 'call DirtyMemory.create');
    });
  });

  describe('of a reader', () => {
    it('that never reports, or whose thread has ended, is told of both to whoever waits', async () => {
      const slow = foreignVcpu(memory, 'slow');
      const advice = ["waiting for 'slow'", 'calls quiescent()', 'goes offline before it blocks', 'retire(identity)'];
      const limit = { timeoutMs: 1 };
      try {
        await expectReject(() => memory.harvest(MIGRATION, limit), GracePeriodTimeout, ...advice);
        await expectReject(() => memory.rcu.synchronize(limit), GracePeriodTimeout, ...advice);
      } finally {
        slow.detach();
      }
    });

    it('that is offline is told to come online', () => {
      vcpu.goOffline();
      expectThrow(() => vcpu.mark(0), UsageError, "mark: reader 'vcpu' is offline", 'call goOnline first');
      vcpu.goOnline();
    });

    it('that reports in a section is told to leave it', () => {
      vcpu.readLock();
      expectThrow(() => vcpu.quiescent(), UsageError, 'nested 1 deep', 'call readUnlock first');
      expectThrow(() => vcpu.goOffline(), UsageError, 'call readUnlock first');
      vcpu.readUnlock();
      expectThrow(() => vcpu.readUnlock(), UsageError, 'needs a readLock before it');
    });

    it('that has detached is told to attach anew', () => {
      const gone = attachVcpu(memory.handle);
      gone.detach();
      expectThrow(() => gone.mark(0), UsageError, 'is detached', 'attachVcpu');
    });
  });

  describe('in plugging', () => {
    const plug = (size: number, offset?: number) => () =>
      memory.ram.plug({ id: 'more', size, ...(offset !== undefined && { offset }) });

    it('half a page is told the next whole size', () => {
      expectThrow(plug(1.5 * PAGE), RangeError, `multiple of the page size, ${PAGE}`, `the next one is ${2 * PAGE}`);
      expectThrow(plug(PAGE, 8 * PAGE + 1), RangeError, 'offset', `the next one is ${9 * PAGE}`);
    });

    it('the same id is told to take another', () => {
      expectThrow(() => memory.ram.plug({ id: 'ram', size: PAGE }), RangeError, "'ram'", 'give another id', 'unplug');
    });

    it('where RAM is already is told that the engine finds a place', () => {
      expectThrow(plug(PAGE, 0), RangeError, "would overlap 'ram'", 'without an offset the engine finds a place');
    });

    it('more than there may be is told which option says how much', () => {
      const small = DirtyMemory.create({ pageSize: PAGE, maxRamBytes: 4 * PAGE });
      expectThrow(
        () => small.ram.plug({ id: 'a', size: 8 * PAGE }),
        RangeError,
        `size must be at most ${4 * PAGE}`,
        'maxRamBytes of create',
        `got ${8 * PAGE}`,
      );
      const past = { id: 'a', size: PAGE, offset: 4 * PAGE };
      expectThrow(() => small.ram.plug(past), RangeError, `offset must be at most ${3 * PAGE}`, 'maxRamBytes');
      return small.close();
    });
  });

  describe('in collecting', () => {
    it('for two clients at once is told to name one', () =>
      expectReject(
        () => memory.harvest((VGA | MIGRATION) as never),
        RangeError,
        'VGA (1), CODE (2) or MIGRATION (4)',
        'not the sum',
      ));

    it('for a client that is not tracked is told to track it', async () => {
      const one = smallEngine({ tracked: CODE });
      await expectReject(
        () => one.harvest(VGA),
        UsageError,
        'call await memory.track(VGA)',
        'the Tracking that it returns',
      );
      await one.close();
    });

    it('or its result, or a block, where a set or options belong is told what to pass', async () => {
      const [block] = memory.ram;
      const { set } = await memory.harvest(VGA);
      const runs = (options: unknown) => () => set.runs(options as never);
      expectThrow(runs(block), TypeError, 'runs: options', 'pass runs({ block }) instead of runs(block)');
      expectThrow(runs({ block: 'ram' }), TypeError, 'runs: block must be a RamBlock, as ram.plug', "got 'ram'");
      expectThrow(runs({ block: { id: 'ram' } }), TypeError, 'runs: block', '{ offset, size } in bytes');
      const surface = { start: 0, width: 1, height: 1, stride: 4, bytesPerPixel: 4 };
      const draw = (what: unknown) => () => changedRectangles(what as never, surface);
      expectThrow(
        draw({ set }),
        TypeError,
        'changedRectangles: set',
        'harvest returns { set, added }, so pass its set',
      );
      set.dispose();
      expectThrow(draw(set), UsageError, 'changedRectangles: the page set was disposed of', 'collect anew');
    });

    it('for one user while another keeps the room is told who has yet to collect', async () => {
      const PAGES = 64;
      const full = DirtyMemory.create({ pageSize: PAGE, pagesPerBlock: 64, maxRamBytes: 2 ** 40, arenaBytes: 2 ** 15 });
      full.ram.plug({ id: 'ram', size: PAGES * PAGE });
      const idle = await full.track(MIGRATION, { name: 'the idle' });
      for (const { set } of [await idle.harvest(), await full.harvest(MIGRATION)]) set.dispose();
      full.setDirtyRange(0, PAGE, MIGRATION);
      (await full.harvest(MIGRATION)).set.dispose();
      const plugAll = () => {
        for (let i = 0; i < 999; i++) full.ram.plug({ id: `more${i}`, size: PAGES * PAGE });
      };
      expectThrow(
        plugAll,
        ArenaFullError,
        "plug: 'more",
        "have yet to collect what others have collected: 'the idle' (1 pages of MIGRATION)",
        'have each collect, or stop it',
        `DirtyMemory.create an arenaBytes above ${2 ** 15}`,
      );
      await full.close();
    });

    it('or plugging without room is told how to get room', async () => {
      const small = DirtyMemory.create({ maxRamBytes: 2 ** 30, arenaBytes: 2 ** 16 });
      const plug = () => small.ram.plug({ id: 'a', size: 2 ** 30 });
      expectThrow(plug, ArenaFullError, 'the arena is full', 'Dispose of page sets', `arenaBytes above ${2 ** 16}`);
      await small.close();
    });
  });

  describe('with addresses', () => {
    it('of the guest is told what a ram_addr is', () => {
      expectThrow(
        () => vcpu.mark(0x20000000),
        RangeError,
        'An address here is a ram_addr',
        'not a guest physical address',
      );
    });

    it('that became negative is told why', () => {
      expectThrow(() => vcpu.mark(0x80000000 | 0), RangeError, '>>> 0 is 2147483648');
    });

    it('that are BigInts, or no numbers at all, is told so before and after a block is cached', () => {
      for (let times = 0; times < 2; times++) {
        expectThrow(() => vcpu.mark(5n as never), TypeError, 'mark: address must be a number, got 5n');
        expectThrow(() => vcpu.markPage(5n as never, VGA), TypeError, 'markPage: page must be a number, got 5n');
        expectThrow(() => vcpu.mark(Symbol('a') as never), TypeError, 'mark: address must be a number, got Symbol(a)');
        vcpu.mark(0);
      }
    });

    it('where page numbers are wanted is told so', () => {
      expectThrow(() => vcpu.markPage(2 * PAGE * PAGE, VGA), RangeError, 'markPage takes page numbers, not addresses');
    });
  });

  it('in the name of an option is told the name that was meant', () => {
    expectThrow(() => DirtyMemory.create({ pagesize: 64 } as never), TypeError, "did you mean 'pageSize'?");
  });
});
