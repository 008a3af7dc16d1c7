import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Header, Slot } from '../../lib/arena/layout.js';
import { UsageError } from '../../lib/base/errors.js';
import { type DirtyMemory, VGA } from '../../lib/index.js';
import { GracePeriods } from '../../lib/rcu/grace-period.js';
import { type Governor, Reader } from '../../lib/rcu/reader.js';
import { reportReaders } from '../../lib/rcu/registry.js';
import { OFFLINE } from '../../lib/rcu/sequence.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { BareReader, createArena, interleaved, PeriodsFrom } from '../support/hand-stepped.js';
import { expectReject, expectThrow } from '../support/refusals.js';

/** Its owner may be another thread. */
class AnyReader extends Reader {
  constructor(arena: Arena, giveWay: boolean, governor: Governor) {
    super({ arena, name: 'any', identity: 9, giveWay, governorOf: () => governor });
    this.enter();
  }

  protected override loadRoots(): void {}
  protected override forgetRoots(): void {}
  protected override publishCounts(): void {}
}

describe('Reader', () => {
  let arena: Arena;
  let periods: GracePeriods;
  let reader: BareReader;

  beforeEach(() => {
    arena = createArena(2);
    periods = new GracePeriods(arena);
    reader = new BareReader(arena, 'vcpu0');
  });

  const state = (): number => arena.words.load(reader.slot + Slot.State);
  const number = (): number => arena.words.load(Header.Number);
  /** Begins a period after the running one, if any. */
  const beginPeriod = (): number => {
    const cookie = periods.request();
    periods.poll();
    return cookie;
  };
  const ended = (cookie: number): boolean => {
    periods.poll();
    return periods.completed >= cookie;
  };
  const refused = (call: () => unknown, ...parts: string[]): void =>
    expectThrow(call, UsageError, "reader 'vcpu0'", ...parts);

  it('is online from the first, with the number of the moment and the roots', () => {
    expect(reader.online).to.equal(true);
    expect(state()).to.equal(number());
    expect(reader.rootLoads).to.equal(1);
  });

  describe('quiescent', () => {
    it('does nothing while no period has begun', () => {
      for (let i = 0; i < 3; i++) reader.quiescent();
      expect(reader.rootLoads).to.equal(1);
    });

    it('reports a period once, and loads the roots anew', () => {
      const cookie = beginPeriod();
      expect(ended(cookie)).to.equal(false);
      reader.quiescent();
      expect(state()).to.equal(number());
      expect(reader.rootLoads).to.equal(2);
      reader.quiescent();
      expect(reader.rootLoads, 'the second time').to.equal(2);
      expect(ended(cookie)).to.equal(true);
    });

    it('goes on reporting across the wrap of the number', () => {
      for (let period = 1; period <= 70; period++) {
        const cookie = beginPeriod();
        expect(ended(cookie)).to.equal(false);
        reader.quiescent();
        expect(ended(cookie), `period ${period}`).to.equal(true);
      }
      expect(number()).to.be.below(0);
      expect(reader.rootLoads).to.equal(71);
    });

    it('stores the number before it loads the roots', () => {
      const other = interleaved(arena);
      const order: string[] = [];
      class Watched extends BareReader {
        protected override loadRoots(): void {
          order.push(`roots at ${arena.words.load(this.slot + Slot.State)}`);
          super.loadRoots();
        }
      }
      const watched = new Watched(other.arena);
      order.length = 0;
      beginPeriod();
      watched.quiescent();
      watched.goOffline();
      watched.goOnline();
      expect(order, 'on report and on entry').to.deep.equal([`roots at ${number()}`, `roots at ${number()}`]);
    });

    it('is refused in a section and offline, and tells of an interval, whatever the number', () => {
      for (const first of [-1, 1]) {
        const arena = createArena(1);
        new PeriodsFrom(arena, first);
        const other = new BareReader(arena, 'vcpu0');
        other.readLock();
        refused(() => other.quiescent(), 'inside a read-side section');
        other.readUnlock();
        other.goOffline();
        refused(() => other.quiescent(), 'is offline');
        other.goOnline();
        expect(other.quiescent()).to.equal(true);
      }
    });
  });

  it('publishes its counts before each store to its slot that ends an interval', () => {
    const published: number[] = [];
    class Counting extends BareReader {
      protected override publishCounts(): void {
        published.push(arena.words.load(this.slot + Slot.State));
      }
    }
    const counting = new Counting(arena);
    const first = number();
    beginPeriod();
    counting.quiescent();
    counting.goOffline();
    counting.goOnline();
    counting.detach();
    expect(published).to.deep.equal([first, number(), number()]);
  });

  describe('read-side sections', () => {
    it('hold up a period for as long as the outermost is open', () => {
      const cookie = beginPeriod();
      reader.readLock();
      reader.readLock();
      expect(reader.inSection).to.equal(true);
      reader.readUnlock();
      refused(() => reader.quiescent(), 'quiescent', 'inside a read-side section');
      expect(reader.inSection, 'one is open still').to.equal(true);
      reader.readUnlock();
      expect(reader.inSection).to.equal(false);
      expect(ended(cookie), 'its end is no report').to.equal(false);
      reader.quiescent();
      expect(ended(cookie)).to.equal(true);
    });

    it('refuse quiescent and goOffline with no period running too, naming the depth', () => {
      for (let depth = 1; depth <= 3; depth++) {
        reader.readLock();
        refused(() => reader.quiescent(), 'quiescent', `nested ${depth} deep`);
        refused(() => reader.goOffline(), 'goOffline', `nested ${depth} deep`);
        refused(() => reader.offline(() => expect.fail('ran offline')), 'goOffline', `nested ${depth} deep`);
      }
      for (let depth = 2; depth >= 1; depth--) {
        reader.readUnlock();
        refused(() => reader.quiescent(), 'quiescent', `nested ${depth} deep`);
      }
      expect(state()).to.equal(number());
    });

    it('touch no shared memory', () => {
      const other = interleaved(arena);
      const inner = new BareReader(other.arena);
      other.words.before = (access) => expect.fail(`a section did a ${access}`);
      inner.readLock();
      inner.readLock();
      inner.readUnlock();
      inner.readUnlock();
    });

    it('refuse an unlock without a lock, and work afterwards', () => {
      refused(() => reader.readUnlock(), 'readUnlock', 'in no read-side section');
      expect(reader.inSection).to.equal(false);
      reader.read(() => expect(reader.inSection).to.equal(true));
      refused(() => reader.readUnlock(), 'readUnlock', 'in no read-side section');
      const cookie = beginPeriod();
      reader.quiescent();
      expect(ended(cookie)).to.equal(true);
    });
  });

  describe('read', () => {
    it('returns what the body does, which runs in a section, nested or not', () => {
      expect(reader.read(() => reader.read(() => reader.inSection))).to.equal(true);
      expect(reader.inSection).to.equal(false);
    });

    it('ends the section when the body throws, at every depth, and the reader can report', () => {
      const boom = new Error('boom');
      const cookie = beginPeriod();
      const call = (): void =>
        reader.read(() => {
          reader.read(() => {
            throw boom;
          });
        });
      expect(call).to.throw().that.equals(boom);
      expect(reader.inSection).to.equal(false);
      reader.quiescent();
      expect(ended(cookie)).to.equal(true);
    });

    it('and offline take nothing but a function, and change nothing otherwise', () => {
      for (const operation of ['read', 'offline'] as const) {
        expectThrow(() => reader[operation](7 as never), TypeError, operation, 'body', '7');
        expect(reader.online && !reader.inSection).to.equal(true);
      }
      expect(reader.rootLoads).to.equal(1);
    });

    it('lets a body that detaches end the section, and its own error through', () => {
      expect(reader.read(() => reader.detach())).to.equal(undefined);
      const second = new BareReader(arena, 'second');
      const boom = new Error('boom');
      const call = (): void =>
        second.read(() => {
          second.detach();
          throw boom;
        });
      expect(call).to.throw().that.equals(boom);
    });
  });

  describe('offline', () => {
    it('is waited for by no period, however many begin', () => {
      reader.goOffline();
      expect(reader.online).to.equal(false);
      expect(state()).to.equal(OFFLINE);
      expect(reader.holdsRoots).to.equal(false);
      for (let period = 0; period < 100; period++) expect(ended(beginPeriod())).to.equal(true);
      reader.goOnline();
      expect(state(), 'as if it had been there all the time').to.equal(number());
      expect(reader.holdsRoots).to.equal(true);
      expect(ended(beginPeriod())).to.equal(false);
    });

    it('ends the interval that a period waits for', () => {
      const cookie = beginPeriod();
      reader.goOffline();
      expect(ended(cookie)).to.equal(true);
    });

    it('refuses everything but going online and detaching', () => {
      reader.goOffline();
      for (const operation of ['quiescent', 'readLock', 'goOffline'] as const) {
        refused(() => reader[operation](), operation, 'is offline');
      }
      refused(() => reader.read(() => expect.fail('ran')), 'readLock', 'is offline');
      refused(() => reader.offline(() => expect.fail('ran')), 'goOffline', 'is offline');
      refused(() => reader.readUnlock(), 'readUnlock', 'is offline');
      beginPeriod();
      refused(() => reader.quiescent(), 'quiescent', 'is offline');
      reader.goOnline();
      reader.quiescent();
    });

    it('cannot be ended when it has not begun', () => {
      refused(() => reader.goOnline(), 'goOnline', 'is online already');
      reader.readLock();
      refused(() => reader.goOnline(), 'goOnline');
      reader.readUnlock();
      expect(reader.rootLoads).to.equal(1);
    });

    it('lasts as long as the body of a synchronous call, returned from or thrown from', () => {
      expect(reader.offline(() => reader.online)).to.equal(false);
      expect(reader.online).to.equal(true);
      const boom = new Error('boom');
      const call = (): void =>
        reader.offline(() => {
          throw boom;
        });
      expect(call).to.throw().that.equals(boom);
      expect(reader.online).to.equal(true);
      const cookie = beginPeriod();
      expect(ended(cookie)).to.equal(false);
      reader.quiescent();
      expect(ended(cookie)).to.equal(true);
    });

    it('lasts until the promise of an asynchronous body is fulfilled', async () => {
      let fulfil: (value: string) => void = () => {};
      const done = reader.offline(() => new Promise<string>((resolve) => (fulfil = resolve)));
      expect(reader.online).to.equal(false);
      expect(ended(beginPeriod())).to.equal(true);
      fulfil('value');
      expect(await done).to.equal('value');
      expect(reader.online).to.equal(true);
      expect(state()).to.equal(number());
    });

    it('lasts until the promise of an asynchronous body is rejected', async () => {
      const done = reader.offline(async () => {
        await null;
        expect(reader.online, 'meanwhile').to.equal(false);
        throw new RangeError('boom');
      });
      await expectReject(() => done, RangeError, 'boom');
      expect(reader.online).to.equal(true);
    });

    it('takes any thenable for a promise', async () => {
      const thenable = {
        // biome-ignore lint/suspicious/noThenProperty: what is tested
        then: (fulfil: (value: number) => void): void => fulfil(7),
      };
      const done = reader.offline(() => thenable);
      expect(reader.online).to.equal(false);
      expect(await done).to.equal(7);
      expect(reader.online).to.equal(true);
    });

    it('does not come back when the body has detached', async () => {
      expect(reader.offline(() => reader.detach())).to.equal(undefined);
      refused(() => reader.quiescent(), 'is detached');
      const second = new BareReader(arena, 'second');
      await second.offline(async () => {
        await null;
        second.detach();
      });
      expect(second.online).to.equal(false);
      expect(reportReaders(arena)).to.deep.equal([]);
      expect(arena.words.load(second.slot + Slot.State)).to.equal(OFFLINE);
    });

    it('is not ended by the promise of an earlier time', async () => {
      let settle: () => void = () => {};
      const first = reader.offline(() => new Promise<void>((resolve) => (settle = resolve)));
      reader.goOnline();
      reader.goOffline();
      settle();
      await first;
      expect(reader.online).to.equal(false);
      reader.goOnline();
    });

    it('lets the body come online by itself', async () => {
      await reader.offline(async () => {
        await null;
        reader.goOnline();
      });
      expect(reader.online).to.equal(true);
      expect(reader.offline(() => reader.goOnline())).to.equal(undefined);
      expect(reader.rootLoads).to.equal(3);
    });
  });

  describe('detach', () => {
    const states: [name: string, prepare: () => void][] = [
      ['online', () => {}],
      ['behind a period', () => void beginPeriod()],
      ['offline', () => reader.goOffline()],
      [
        'in nested sections',
        () => {
          reader.readLock();
          reader.readLock();
        },
      ],
    ];
    for (const [name, prepare] of states) {
      it(`leaves for good when ${name}; everything else is refused then`, () => {
        prepare();
        reader.detach();
        expect(reportReaders(arena)).to.deep.equal([]);
        expect(ended(beginPeriod())).to.equal(true);
        expect(reader.holdsRoots).to.equal(false);
        expect(reader.online).to.equal(false);
        expect(reader.inSection).to.equal(false);
        expect(reader.kicked).to.equal(false);
        for (const operation of ['quiescent', 'readLock', 'readUnlock', 'goOffline', 'goOnline'] as const) {
          refused(() => reader[operation](), operation, 'is detached');
        }
        refused(() => reader.offline(() => expect.fail('ran')), 'goOffline', 'is detached');
        refused(() => reader.read(() => expect.fail('ran')), 'readLock', 'is detached');
      });
    }

    it("does nothing the second time, though another is the slot's tenant by then", () => {
      reader.detach();
      const next = new BareReader(arena, 'next');
      expect(next.slot).to.equal(reader.slot);
      reader.detach();
      expect(reportReaders(arena).map(({ name }) => name)).to.deep.equal(['next']);
      expect(next.online).to.equal(true);
      expect(ended(beginPeriod())).to.equal(false);
    });
  });

  describe('kicked', () => {
    it('turns true with the kick and false with the report', () => {
      beginPeriod();
      expect(reader.kicked).to.equal(false);
      periods.kick();
      expect(reader.kicked).to.equal(true);
      expect(reader.kicked, 'asked again').to.equal(true);
      reader.quiescent();
      expect(reader.kicked).to.equal(false);
      beginPeriod();
      expect(reader.kicked, 'a period of its own asks on its own').to.equal(false);
      periods.kick();
      expect(reader.kicked).to.equal(true);
    });

    it('stays false when periods are reported for which nobody asked, after one for which somebody did', () => {
      beginPeriod();
      periods.kick();
      for (let period = 0; period < 3; period++) {
        reader.quiescent();
        expect(reader.kicked, `after ${period} more`).to.equal(false);
        beginPeriod();
        expect(reader.kicked, `in period ${period + 1}`).to.equal(false);
      }
    });

    it('works inside a section, and across the wrap', () => {
      for (let period = 0; period < 70; period++) {
        beginPeriod();
        periods.kick();
        expect(
          reader.read(() => reader.kicked),
          `period ${period}`,
        ).to.equal(true);
        reader.quiescent();
        expect(reader.kicked).to.equal(false);
      }
    });

    it('is false offline, and stays so after coming back', () => {
      beginPeriod();
      periods.kick();
      reader.goOffline();
      expect(reader.kicked).to.equal(false);
      reader.goOnline();
      expect(reader.kicked).to.equal(false);
    });

    it("is not meant for the slot's next tenant, even if the owner's store came late", () => {
      beginPeriod();
      const late = number();
      reader.detach();
      const next = new BareReader(arena, 'next');
      expect(next.slot).to.equal(reader.slot);
      arena.words.store(next.slot + Slot.Kick, late);
      expect(next.kicked).to.equal(false);
    });
  });

  describe('coming online while the owner goes on', () => {
    it('stores no number that the owner has gone past, however often it does', () => {
      reader.goOffline();
      const thread = interleaved(arena);
      const entering = new BareReader(thread.arena, 'entering');
      for (let advances = 1; advances <= 70; advances++) {
        entering.goOffline();
        let stalled = false;
        thread.words.before = (access, index) => {
          // Between the load of the number and its store: the owner sees the slot offline.
          if (access !== 'store' || index !== entering.slot + Slot.State || stalled) return;
          stalled = true;
          for (let period = 0; period < advances; period++) beginPeriod();
        };
        const rootsBefore = entering.rootLoads;
        entering.goOnline();
        thread.words.before = () => {};
        expect(stalled).to.equal(true);
        expect(arena.words.load(entering.slot + Slot.State), `${advances} periods later`).to.equal(number());
        expect(entering.rootLoads - rootsBefore, 'roots loaded once, at the end').to.equal(1);
      }
    });

    it('wakes an owner that has seen the number of before in its slot', () => {
      reader.goOffline();
      const thread = interleaved(arena);
      const entering = new BareReader(thread.arena, 'entering');
      entering.goOffline();
      let seen: number | undefined;
      thread.words.before = (access, index) => {
        if (access !== 'load' || index !== Header.Number || entering.online) return;
        if (arena.words.load(entering.slot + Slot.State) === OFFLINE || seen !== undefined) return;
        // After its first store: the owner begins a period, scans, and blocks.
        beginPeriod();
        seen = periods.prepareSleep();
        expect(seen, 'the owner waits for the reader').to.not.equal(undefined);
      };
      entering.goOnline();
      thread.words.before = () => {};
      expect(arena.words.load(entering.slot + Slot.State)).to.equal(number());
      expect(seen).to.not.equal(undefined);
      expect(arena.words.load(Header.Wake), 'the word the owner sleeps on').to.not.equal(seen);
    });
  });

  describe('waking an owner that sleeps', () => {
    const wake = (): number => arena.words.load(Header.Wake);

    const changes: [name: string, prepare: (reader: BareReader) => void, change: (reader: BareReader) => void][] = [
      ['a report', () => {}, (it) => it.quiescent()],
      ['going offline', () => {}, (it) => it.goOffline()],
      ['coming online', (it) => it.goOffline(), (it) => it.goOnline()],
      ['detaching', () => {}, (it) => it.detach()],
      ['detaching in a section', (it) => it.readLock(), (it) => it.detach()],
      ['an asynchronous body', () => {}, (it) => void it.offline(async () => {})],
    ];
    for (const [name, prepare, change] of changes) {
      it(`is done by ${name} that ends its wait, before whichever access of the reader it fell asleep`, () => {
        reader.detach();
        let slept = 0;
        let at = 0;
        for (let reached = true; reached; at++) {
          const thread = interleaved(arena);
          const other = new BareReader(thread.arena, 'other');
          if (name === 'a report') beginPeriod();
          prepare(other);
          let accesses = 0;
          let seen: number | undefined;
          let notified: number | undefined;
          thread.words.notify = () => {
            notified = wake();
          };
          thread.words.before = () => {
            if (accesses++ !== at) return;
            if (!periods.running) beginPeriod();
            periods.poll();
            seen = periods.prepareSleep();
          };
          change(other);
          thread.words.before = () => {};
          reached = accesses > at;
          periods.poll();
          if (seen !== undefined && !periods.running) {
            slept++;
            expect(wake(), `the owner fell asleep before access ${at}`).to.not.equal(seen);
            expect(notified, 'when the word has changed').to.equal(wake());
          }
          periods.endSleep();
          other.detach();
          periods.poll();
        }
        expect(slept).to.be.above(0);
      });
    }

    it('is not done by a reader that the owner does not sleep for', () => {
      const other = new BareReader(arena, 'other');
      beginPeriod();
      const seen = periods.prepareSleep();
      expect(Math.abs(arena.words.load(Header.Waiting))).to.equal(reader.slot);
      other.quiescent();
      other.goOffline();
      other.goOnline();
      expect(wake()).to.equal(seen);
      other.detach();
    });

    it('is not done while no owner sleeps', () => {
      const before = wake();
      beginPeriod();
      reader.quiescent();
      reader.goOffline();
      reader.goOnline();
      reader.detach();
      expect(wake()).to.equal(before);
    });
  });
});

describe("A reader on another thread than its owner's", () => {
  const withOwner = (here: boolean): Arena => {
    const options = { pagesPerBlock: 64, maxRamBytes: 2 ** 20, arenaBytes: 2 ** 16, maxReaders: 2 };
    const { arena, release } = Arena.create(options);
    new GracePeriods(arena);
    if (!here) release(); // now this thread owns it no more
    return arena;
  };

  it('sleeps while it is ahead of its limit, which one on the same thread does not', () => {
    for (const here of [false, true]) {
      let slept = 0;
      const governor = { refresh: () => true, isAhead: true, sleep: () => void slept++ };
      const reader = new AnyReader(withOwner(here), false, governor);
      reader.quiescent();
      expect(slept).to.equal(here ? 0 : 1);
      reader.detach();
    }
  });

  const governor = { refresh: () => false, isAhead: false, sleep: () => {} };
  const cases: [name: string, here: boolean, giveWay: boolean, canWait: boolean][] = [
    ['gives way', false, true, true],
    ['gives nobody way when it was told not to', false, false, true],
    ['gives nobody way when its thread must not wait', false, true, false],
    ["gives nobody way when its thread is the owner's", true, true, true],
  ];
  for (const [name, here, giveWay, canWait] of cases) {
    it(name, () => {
      const { arena, words } = interleaved(withOwner(here));
      Object.defineProperty(words, 'canWait', { value: canWait });
      const periods = new GracePeriods(arena);
      Object.assign(periods, { asking: { decide: () => true, ended: () => {} } }); // in each period
      const holdout = new BareReader(arena, 'holdout');
      const reader = new AnyReader(arena, giveWay, governor);
      periods.request();
      periods.poll();
      expect(periods.prepareSleep()).to.not.equal(undefined);
      let waits = 0;
      words.before = (access) => {
        if (access !== 'wait') return;
        waits++;
        holdout.quiescent();
        periods.poll();
      };
      reader.quiescent();
      expect(waits).to.equal(giveWay && canWait && !here ? 1 : 0);
      reader.detach();
    });
  }
});

describe('A reader whose memory was grown', () => {
  let memory: WebAssembly.Memory;
  let reader: BareReader;
  let away: BareReader;
  beforeEach(() => {
    memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    const options = { pagesPerBlock: 64, maxRamBytes: 2 ** 20, arenaBytes: 2 ** 16, maxReaders: 2 };
    const { arena } = Arena.create({ ...options, memory, shared: false });
    new GracePeriods(arena);
    reader = new BareReader(arena);
    away = new BareReader(arena);
    away.goOffline();
  });

  it('says so, whatever it is told to do', () => {
    memory.grow(1);
    for (const operation of ['quiescent', 'goOffline'] as const) {
      expectThrow(() => reader[operation](), UsageError, operation, 'memory has been grown');
    }
    expectThrow(() => reader.kicked, UsageError, 'kicked', 'memory has been grown');
    expectThrow(() => reader.reportForOwner(), UsageError, 'quiescent', 'memory has been grown');
    expectThrow(() => away.goOnline(), UsageError, 'goOnline', 'memory has been grown');
  });

  it('detaches all the same, and drops what it has', () => {
    const ended: string[] = [];
    reader.keep({ begin: () => {}, end: () => ended.push('kept') });
    memory.grow(1);
    reader.detach();
    expect(reader.online || reader.holdsRoots).to.equal(false);
    expect(ended).to.deep.equal(['kept']);
    expectThrow(() => reader.readLock(), UsageError, 'is detached');
  });
});

describe('Vcpu', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'dimm0', size: 128 * PAGE });
    for (const client of CLIENTS) memory.whileStopped.harvest(client).set.dispose();
    vcpu = foreignVcpu(memory, 'vcpu0');
  });

  afterEach(async () => {
    vcpu.detach();
    await memory.close();
  });

  const uses: [name: string, use: () => unknown][] = [
    ['mark', () => vcpu.mark(0)],
    ['markPage', () => vcpu.markPage(0, VGA)],
    ['markRange', () => vcpu.markRange(0, PAGE, 7)],
    ['isDirty', () => vcpu.isDirty(0, PAGE, VGA)],
    ['allDirty', () => vcpu.allDirty(0, PAGE, VGA)],
    ['includesClean', () => vcpu.includesClean(0, PAGE, 7)],
  ];

  for (const [name, use] of uses) {
    it(`refuses ${name} offline and detached, marking nothing, though it did the same just before`, () => {
      vcpu.markPage(64, VGA);
      vcpu.mark(65 * PAGE);
      use();
      const dirty = memory.isDirty(0, PAGE, VGA);
      vcpu.goOffline();
      expectThrow(use, UsageError, name, "'vcpu0'", 'is offline');
      vcpu.goOnline();
      use();
      vcpu.detach();
      expectThrow(use, UsageError, name, "'vcpu0'", 'is detached');
      expect(memory.isDirty(0, PAGE, VGA)).to.equal(dirty);
    });

    it(`allows ${name} inside a section`, () => {
      vcpu.read(() => vcpu.read(use));
      expect(vcpu.inSection).to.equal(false);
    });
  }
});
