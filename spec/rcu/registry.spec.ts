import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { CLOSED, CREATING, Header, MAGIC, Meter, meterOf, Slot, Slots } from '../../lib/arena/layout.js';
import { UNKNOWN_IDENTITY } from '../../lib/base/errors.js';
import { AtomicsKernel } from '../../lib/bitmap/atomics-kernel.js';
import { Vcpu } from '../../lib/dirty/vcpu.js';
import { DirtyMemory, UsageError } from '../../lib/index.js';
import { RateLimits } from '../../lib/rate/limits.js';
import { Throttle } from '../../lib/rate/throttle.js';
import { GracePeriods } from '../../lib/rcu/grace-period.js';
import { claimSlot, freeSlot, reportReaders, retireIdentity, retireSlot } from '../../lib/rcu/registry.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { smallEngine } from '../support/engines.js';
import { createArena, interleaved, SlotByHand } from '../support/hand-stepped.js';
import { expectThrow } from '../support/refusals.js';

describe('reader registry', () => {
  let arena: Arena;
  let periods: GracePeriods;
  beforeEach(() => {
    arena = createArena(3);
    periods = new GracePeriods(arena);
  });

  const tenants = (): number[] => reportReaders(arena).map(({ identity }) => identity);

  /** Every word of every slot. */
  const slots = (): number[] =>
    Array.from({ length: 3 * Slots.size }, (_, offset) => arena.words.load(Slots.first + offset));

  it('gives each reader a slot of its own, and refuses one more than there are, changing nothing', () => {
    const claimed = [10, 11, 12].map((identity) => claimSlot(arena, identity, `r${identity}`));
    expect(new Set(claimed).size).to.equal(3);
    const before = slots();
    expectThrow(() => claimSlot(arena, 13, 'r13'), RangeError, 'attachVcpu', 'readers', 'maxReaders = 3', 'got 4');
    expect(slots()).to.deep.equal(before);
    freeSlot(arena, claimed[1] as number);
    expect(claimSlot(arena, 13, 'r13'), 'the one that has become free').to.equal(claimed[1]);
  });

  it('gives the next slot to a thread that another one overtakes', () => {
    const { arena: ours, words } = interleaved(arena);
    let overtaken: number | undefined;
    words.before = (access) => {
      if (access === 'swap') overtaken ??= claimSlot(arena, 10, 'faster');
    };
    expect(claimSlot(ours, 11, 'slower')).to.not.equal(overtaken);
    expect(tenants()).to.deep.equal([10, 11]);
  });

  it('names those who are there when there is no slot left, the first eight of them', () => {
    const message = (readers: number): string => {
      const arena = createArena(readers);
      for (let i = 0; i < readers; i++) claimSlot(arena, i, `r${i}`);
      if (readers > 1) arena.words.store(Slots.first + Slots.size + Slot.Identity, 0); // overwritten
      try {
        claimSlot(arena, 100, 'late');
      } catch (error) {
        return (/attached are (.*?)\. /.exec((error as Error).message) as RegExpExecArray)[1] as string;
      }
      return expect.fail('there was a slot');
    };
    expect(message(1)).to.equal("'r0' (identity 0)");
    const eight = [0, 2, 3, 4, 5, 6, 7, 8].map((i) => `'r${i}' (identity ${i})`).join(', ');
    expect(message(9)).to.equal(eight);
    expect(message(10)).to.equal(`${eight} and 1 more`);
    expect(message(11)).to.equal(`${eight} and 2 more`);
  });

  it('says that the engine was closed where that is why there is no slot left', () => {
    for (let identity = 0; identity < 3; identity++) claimSlot(arena, identity, 'r');
    arena.words.store(Header.Closed, CLOSED);
    expectThrow(() => claimSlot(arena, 3, 'late'), UsageError, 'attachVcpu', 'closed meanwhile');
  });

  it('frees a slot by its position only when nobody knows whose it is', () => {
    claimSlot(arena, 0, 'known');
    const slot = claimSlot(arena, 1, 'overwritten');
    expectThrow(() => retireSlot(arena, 0), UsageError, "'known'", 'identity, 0');
    arena.words.store(slot + Slot.Identity, 0);
    expect([retireSlot(arena, 1), retireSlot(arena, 1)]).to.deep.equal([1, 0]);
    expect(tenants()).to.deep.equal([0]);
  });

  it('takes identity 0, the main thread, for a tenant as good as any', () => {
    const slot = claimSlot(arena, 0, 'main');
    expect(tenants()).to.deep.equal([0]);
    expect(claimSlot(arena, 1, 'other')).to.not.equal(slot);
    expect(retireIdentity(arena, 0)).to.equal(1);
    expect(tenants()).to.deep.equal([1]);
  });

  describe('in memory that another engine has been created in since', () => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
    const options = { memory, pageSize: 4096, pagesPerBlock: 64, maxRamBytes: 2 ** 20, arenaBytes: 2 ** 17 };
    const first = () => DirtyMemory.create({ ...options, maxReaders: 64 });
    const second = () => DirtyMemory.create({ ...options, maxReaders: 1 });

    it('retires nobody, and leaves the words of the other engine as they are', async () => {
      const old = first();
      await old.close();
      const engine = second();
      engine.ram.plug({ id: 'ram', size: 2 ** 20 });
      const before = new Int32Array(memory.buffer).slice();
      const words = new Set(before.subarray(Slots.first));
      for (const word of words) if (word > 0) expect(old.retire(word - 1)).to.equal(0);
      expect(new Int32Array(memory.buffer)).to.deep.equal(before);
      await engine.close();
    });

    it('frees no slot of the other engine, whenever that is created, and none that is being created', async () => {
      for (let delayedAt = 0, reached = true; reached; delayedAt++) {
        const old = first();
        const { arena: late, words } = interleaved(Arena.attach('spec', old.handle));
        await old.close();
        let engine: DirtyMemory | undefined;
        let before: Int32Array | undefined;
        let accesses = 0;
        words.before = () => {
          if (accesses++ !== delayedAt) return;
          engine = second();
          before = new Int32Array(memory.buffer).slice();
        };
        expect(retireSlot(late, 0)).to.equal(0);
        reached = accesses > delayedAt;
        if (engine !== undefined) expect(new Int32Array(memory.buffer)).to.deep.equal(before);
        await engine?.close();
      }
      const old = first();
      const late = Arena.attach('spec', old.handle);
      await old.close();
      // As a thread does that creates here (arena/place.ts).
      late.words.store(Header.Magic, CREATING);
      late.words.store(Slots.first + Slot.Identity, 0);
      expect(retireSlot(late, 0)).to.equal(0);
      expect(late.words.load(Slots.first + Slot.Identity)).to.equal(0);
      late.words.store(Header.Magic, MAGIC);
      await second().close();
    });

    it('gives no slot to a thread whose attaching outlasted its engine', async () => {
      const old = first();
      const late = Arena.attach('attachVcpu', old.handle);
      await old.close();
      const engine = second();
      engine.ram.plug({ id: 'ram', size: 2 ** 20 });
      const before = new Int32Array(memory.buffer).slice();
      expectThrow(() => claimSlot(late, 7, 'late'), UsageError, 'attachVcpu', 'closed', 'another');
      expect(new Int32Array(memory.buffer)).to.deep.equal(before);
      await engine.close();
    });

    it('lets a thread that claims first keep the memory from another engine', async () => {
      const old = first();
      const late = Arena.attach('attachVcpu', old.handle);
      await old.close();
      const slot = claimSlot(late, 7, 'late');
      expectThrow(second, RangeError, 'still attached', 'identity 7');
      freeSlot(late, slot);
      await second().close();
    });
  });

  it('leaves nothing of a tenant behind for the next', () => {
    const slot = claimSlot(arena, 5, 'a name that is long enough for ten words');
    arena.words.store(slot + Slot.State, 99);
    arena.words.store(slot + Slot.Kick, 101);
    freeSlot(arena, slot);
    expect(claimSlot(arena, 6, 'b')).to.equal(slot);
    expect(reportReaders(arena)).to.deep.equal([{ name: 'b', identity: 6, slot: 0, online: false, local: false }]);
    expect(arena.words.load(slot + Slot.Kick)).to.equal(0);
  });

  it('leaves no limit to the next tenant, whenever the owner sets one', () => {
    const arena = createArena(1);
    const limits = new RateLimits(arena);
    const { arena: theirs, words } = interleaved(arena);
    let at = 0;
    for (let reached = true; reached; at++) {
      const slot = claimSlot(arena, 7, 'leaves');
      let accesses = 0;
      words.before = () => {
        if (accesses++ === at) limits.set(100, 7);
      };
      freeSlot(theirs, slot);
      reached = accesses > at;
      claimSlot(arena, 8, 'next');
      expect(arena.words.get(meterOf(arena.regions, slot) + Meter.Limit), `set before access ${at}`).to.equal(0);
      freeSlot(arena, slot);
    }
    expect(at).to.be.above(3);
  });

  it("tells the next tenant's count from what was counted before", () => {
    const slot = claimSlot(arena, 7, 'counts');
    const meter = meterOf(arena.regions, slot);
    arena.words.set(meter + Meter.Dirtied, 5);
    arena.words.set(meter + Meter.Generated, 6);
    freeSlot(arena, slot);
    expect(arena.words.get(meter + Meter.Before)).to.equal(11);
  });

  describe('retirement', () => {
    it('frees every slot of the thread, says how many, and leaves the others', () => {
      for (const identity of [4, 5, 4]) claimSlot(arena, identity, 'r');
      expect(retireIdentity(arena, 4)).to.equal(2);
      expect(tenants()).to.deep.equal([5]);
      expect(retireIdentity(arena, 4), 'the second time').to.equal(0);
    });

    it("does not retire the slot's next tenant", () => {
      const slot = claimSlot(arena, 4, 'first');
      freeSlot(arena, slot);
      expect(claimSlot(arena, 5, 'second')).to.equal(slot);
      arena.words.store(slot + Slot.State, 99);
      expect(retireIdentity(arena, 4)).to.equal(0);
      expect(tenants()).to.deep.equal([5]);
      expect(arena.words.load(slot + Slot.State), 'still online').to.equal(99);
    });

    it('frees the slot of a thread that was killed while it left, and until then nobody is reported there', () => {
      const arena = createArena(1);
      const { arena: theirs, words } = interleaved(arena);
      let killedBefore = 0;
      for (let dies = true; dies; killedBefore++) {
        const slot = claimSlot(arena, 7, 'dies');
        let accesses = 0;
        dies = false;
        words.before = () => {
          dies ||= accesses++ === killedBefore;
          if (dies) throw new Error('killed');
        };
        try {
          freeSlot(theirs, slot);
        } catch (error) {
          expect(error).to.have.property('message', 'killed');
        }
        expect(reportReaders(arena).every(({ identity }) => identity === 7)).to.equal(true);
        expect(retireIdentity(arena, 7), `killed before access ${killedBefore}`).to.equal(dies ? 1 : 0);
        expect(claimSlot(arena, 8, 'next')).to.equal(slot);
        freeSlot(arena, slot);
      }
      expect(killedBefore).to.be.above(3);
    });

    it('lets a grace period end that waits for the thread alone', () => {
      claimSlot(arena, 4, 'dead');
      const dead = new SlotByHand(arena, 0);
      dead.report();
      periods.request();
      periods.poll();
      expect(periods.completed).to.equal(0);
      retireIdentity(arena, 4);
      periods.poll();
      expect(periods.completed).to.equal(1);
    });
  });

  describe('names', () => {
    const nameOf = (name: string): string | undefined => {
      claimSlot(arena, 1, name);
      return reportReaders(arena)[0]?.name;
    };

    for (const name of ['', 'vcpu0', 'é', '日本語の仮想プロセッサ', '🖥️ cpu', 'x'.repeat(48), '漢'.repeat(16)]) {
      it(`come back as they were: '${name}'`, () => {
        expect(nameOf(name)).to.equal(name);
      });
    }

    it('take no room of the next slot', () => {
      const slot = claimSlot(arena, 1, 'first');
      claimSlot(arena, 2, 'second');
      new SlotByHand(arena, 1).report();
      freeSlot(arena, slot);
      claimSlot(arena, 3, 'x'.repeat(48));
      expect(reportReaders(arena)[1]).to.include({ name: 'second', online: true });
    });

    for (const name of ['x'.repeat(49), `${'漢'.repeat(16)}x`]) {
      it(`are refused when longer than 48 bytes of UTF-8, changing nothing: '${name}'`, () => {
        const before = slots();
        expectThrow(() => claimSlot(arena, 1, name), RangeError, 'attachVcpu', 'name', '48 bytes', name);
        expect(slots()).to.deep.equal(before);
      });
    }
  });

  describe('reports', () => {
    it('tell slot, identity and state of the wanted tenants, by slot', () => {
      claimSlot(arena, 20, 'idle');
      claimSlot(arena, 21, 'busy');
      new SlotByHand(arena, 1).report();
      const [idle, busy] = [
        { name: 'idle', identity: 20, slot: 0, online: false, local: false },
        { name: 'busy', identity: 21, slot: 1, online: true, local: false },
      ];
      expect(reportReaders(arena)).to.deep.equal([idle, busy]);
      expect(reportReaders(arena, (slot) => arena.words.load(slot + Slot.State) !== 0)).to.deep.equal([busy]);
    });

    it('leave out who is leaving and offline already, but neither who is online nor whose identity was overwritten', () => {
      const slots = [20, 21, 0].map((identity) => claimSlot(arena, identity, 'r'));
      new SlotByHand(arena, 1).report();
      arena.words.store((slots[0] as number) + Slot.Identity, 0);
      for (const slot of slots) arena.words.store(slot + Slot.Leaving, 1);
      expect(tenants()).to.deep.equal([UNKNOWN_IDENTITY, 21]);
      for (const slot of slots) arena.words.store(slot + Slot.Leaving, 0);
      expect(tenants()).to.deep.equal([UNKNOWN_IDENTITY, 21, 0]);
    });

    it('tell which readers are of the calling thread, and of which engine', async () => {
      const [memory, other] = [smallEngine(), smallEngine()];
      const vcpu = attachVcpu(memory.handle);
      const elsewhere = attachVcpu(other.handle);
      expect(memory.rcu.holdouts(), 'no period runs').to.deep.equal([]);
      vcpu.readLock();
      memory.rcu.startPoll();
      const [report] = memory.rcu.holdouts();
      expect(report).to.deep.equal({ name: 'vcpu', identity: 0, slot: 0, online: true, local: true });
      vcpu.detach();
      elsewhere.detach();
      await Promise.all([memory.close(), other.close()]);
    });
  });
});

describe('attachVcpu', () => {
  it('refuses one reader more than there are slots, and works again when one has left', async () => {
    const memory = smallEngine({ maxReaders: 2 });
    const [first, second] = [attachVcpu(memory.handle), attachVcpu(memory.handle)];
    const before = memory.stats();
    expectThrow(() => attachVcpu(memory.handle), RangeError, 'attachVcpu', 'at most maxReaders = 2');
    expect(memory.stats()).to.deep.equal(before);
    first?.detach();
    const third = attachVcpu(memory.handle, { name: 'third' });
    expect(memory.stats().readersAttached).to.equal(2);
    third.detach();
    second?.detach();
    await memory.close();
  });

  const refused: [what: string, options: unknown, type: new (...args: never[]) => Error, ...parts: string[]][] = [
    ['options that are none', null, TypeError, 'options', 'null'],
    ['a name that is no string', { name: 7 }, TypeError, 'name', '7'],
    ['a negative identity', { identity: -1 }, RangeError, 'identity', '-1', '2147483646'],
    ['an identity past the last', { identity: 2 ** 31 - 1 }, RangeError, 'identity', '2147483647', '2147483646'],
    ['a fractional identity', { identity: 0.5 }, RangeError, 'identity', '0.5'],
    ['an identity that is no number', { identity: '1' }, TypeError, 'identity', "'1'"],
  ];
  for (const [what, options, type, ...parts] of refused) {
    it(`refuses ${what}, registering nobody`, async () => {
      const memory = smallEngine();
      expectThrow(() => attachVcpu(memory.handle, options as object), type, 'attachVcpu', ...parts);
      expect(memory.stats().readersAttached).to.equal(0);
      await memory.close();
    });
  }

  it('takes the largest identity, which retire takes too', async () => {
    const memory = smallEngine();
    const vcpu = attachVcpu(memory.handle, { identity: 2 ** 31 - 2 });
    expectThrow(() => memory.retire(2 ** 31 - 2), TypeError, 'retire', "'vcpu'", 'calling thread');
    vcpu.detach();
    expect(memory.retire(2 ** 31 - 2)).to.equal(0);
    await memory.close();
  });

  it('leaves no reader behind when it fails, wherever that is', async () => {
    const memory = smallEngine({ maxReaders: 1 });
    const { arena, words } = interleaved(Arena.attach('spec', memory.handle));
    let attached = false;
    for (let failing = 0; !attached; failing++) {
      let accesses = 0;
      words.before = () => {
        if (accesses++ === failing) throw new RangeError('Maximum call stack size exceeded');
      };
      try {
        const vcpu = new Vcpu({
          arena,
          kernel: new AtomicsKernel(words),
          name: 'vcpu',
          identity: 7,
          giveWay: false,
          governorOf: Throttle.of,
        });
        attached = true;
        expect(accesses, 'it is the first that nothing fails').to.be.at.most(failing);
        words.before = () => {};
        vcpu.detach();
      } catch (error) {
        expect(error).to.have.property('message', 'Maximum call stack size exceeded');
      }
      expect(memory.stats().readersAttached, `failed at access ${failing}`).to.equal(0);
      attachVcpu(memory.handle).detach();
    }
    await memory.close();
  });

  it('refuses a closed engine', async () => {
    const memory = smallEngine();
    const { handle } = memory;
    await memory.close();
    expectThrow(() => attachVcpu(handle), TypeError, 'attachVcpu', 'closed');
  });
});
