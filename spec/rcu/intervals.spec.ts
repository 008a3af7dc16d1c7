import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import { UsageError } from '../../lib/base/errors.js';
import { type DirtyMemory, MIGRATION, VGA } from '../../lib/index.js';
import { GracePeriods } from '../../lib/rcu/grace-period.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { foreignVcpu, PAGE, pagesOf, smallEngine } from '../support/engines.js';
import { BareReader, createArena, type InterleavedWords, interleaved } from '../support/hand-stepped.js';
import { expectReject, expectThrow } from '../support/refusals.js';

/** The errors that become the host's uncaught errors while `body` runs and until its turn has ended. */
async function uncaughtDuring(body: () => unknown): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  try {
    await body();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
  return uncaught;
}

describe('The intervals of a reader', () => {
  let arena: Arena;
  let periods: GracePeriods;
  let reader: BareReader;
  let words: InterleavedWords;

  beforeEach(() => {
    arena = createArena(2);
    periods = new GracePeriods(arena);
    const thread = interleaved(arena);
    words = thread.words;
    reader = new BareReader(thread.arena, 'vcpu0');
  });

  const beginPeriod = (): void => {
    periods.poll(); // the last one may have ended
    periods.request();
    periods.poll();
  };

  it('begin with 1, of which quiescent has nothing to tell', () => {
    expect(reader.interval).to.equal(1);
    expect(reader.quiescent()).to.equal(false);
    expect(reader.interval).to.equal(1);
  });

  it('do not end while nothing is to be reported: one load, and false', () => {
    const accesses: string[] = [];
    words.before = (access, index) => accesses.push(`${access} ${index}`);
    for (let i = 0; i < 3; i++) expect(reader.quiescent()).to.equal(false);
    expect(accesses).to.deep.equal(new Array(3).fill(`load ${Header.Number}`));
    expect(reader.interval).to.equal(1);
  });

  it('end with each report, which quiescent tells once', () => {
    for (let period = 1; period <= 70; period++) {
      beginPeriod();
      expect(reader.interval).to.equal(period);
      expect(reader.quiescent()).to.equal(true);
      expect(reader.interval).to.equal(period + 1);
      expect(reader.quiescent()).to.equal(false);
      expect(reader.interval).to.equal(period + 1);
    }
  });

  it('are told by one load and false after they have been told', () => {
    beginPeriod();
    reader.quiescent();
    const accesses: string[] = [];
    words.before = (access, index) => accesses.push(`${access} ${index}`);
    expect(reader.quiescent()).to.equal(false);
    expect(accesses).to.deep.equal([`load ${Header.Number}`]);
  });

  it('still show in their number when a helper ignores what quiescent returns', () => {
    const before = reader.interval;
    const helper = (): void => void reader.quiescent();
    helper();
    expect(reader.interval, 'with nothing to report').to.equal(before);
    beginPeriod();
    helper();
    expect(reader.interval).to.equal(before + 1);
    expect(reader.quiescent(), 'the helper was told').to.equal(false);
    expect(reader.interval).to.equal(before + 1);
  });

  it('begin when the reader comes online, which the next quiescent tells with nothing to report', () => {
    reader.goOffline();
    expect(reader.interval, 'offline').to.equal(1);
    reader.goOnline();
    expect(reader.interval).to.equal(2);
    expect(reader.quiescent()).to.equal(true);
    expect(reader.quiescent()).to.equal(false);
    reader.offline(() => {});
    expect(reader.interval).to.equal(3);
    expect(reader.quiescent()).to.equal(true);
    expect(() =>
      reader.offline(() => {
        throw new RangeError('boom');
      }),
    ).to.throw(RangeError);
    expect(reader.interval).to.equal(4);
    expect(reader.quiescent()).to.equal(true);
  });

  it('begin when the promise of an asynchronous offline settles', async () => {
    let settle: () => void = () => {};
    const back = reader.offline(() => new Promise<void>((resolve) => (settle = resolve)));
    expect(reader.interval).to.equal(1);
    settle();
    await back;
    expect(reader.interval).to.equal(2);
    expect(reader.quiescent(), 'nobody was told').to.equal(true);
    expect(reader.quiescent()).to.equal(false);
    await expectReject(
      () => reader.offline(async () => Promise.reject(new RangeError('boom'))) as Promise<void>,
      RangeError,
      'boom',
    );
    expect(reader.interval).to.equal(3);
    expect(reader.quiescent()).to.equal(true);
  });

  it('neither end nor begin with a section, which hides none that quiescent has yet to tell', () => {
    reader.read(() => {});
    expect(reader.quiescent()).to.equal(false);
    reader.goOffline();
    reader.goOnline();
    reader.read(() => expect(reader.interval).to.equal(2));
    expect(reader.interval).to.equal(2);
    expect(reader.quiescent()).to.equal(true);
    expect(reader.quiescent()).to.equal(false);
  });

  it('begin after a sleep within quiescent, for a limit or to give way', () => {
    let ahead = false;
    const governor = {
      refresh: () => true,
      get isAhead() {
        return ahead;
      },
      sleep() {
        ahead = false;
      },
    };
    Object.assign(reader, { governor });
    beginPeriod();
    expect(reader.quiescent()).to.equal(true);
    expect(reader.quiescent(), 'governed, and not ahead').to.equal(false);
    ahead = true;
    expect(reader.quiescent()).to.equal(true);
    expect(reader.interval).to.equal(3);
    expect(reader.quiescent()).to.equal(false);

    const other = interleaved(arena);
    const polite = new BareReader(other.arena, 'polite', 8, true);
    Object.assign(periods, { asking: { decide: () => true, ended: () => {} } });
    beginPeriod();
    periods.prepareSleep();
    other.words.before = (access) => {
      if (access !== 'wait') return;
      reader.quiescent();
      periods.poll();
    };
    expect(polite.quiescent()).to.equal(true);
    expect(polite.interval, 'of the report, and of the sleep').to.equal(3);
    expect(polite.quiescent()).to.equal(false);
  });

  it('are slept through offline for a limit, when the counts are published that it is compared with', () => {
    const steps: string[] = [];
    const governor = {
      refresh: () => true,
      get isAhead() {
        steps.push('compared');
        return true;
      },
      sleep: () => steps.push(reader.online ? 'sleeps online' : 'sleeps'),
    };
    Object.assign(reader, { governor, publishCounts: () => steps.push('published') });
    reader.goOffline();
    reader.goOnline();
    steps.length = 0;
    reader.quiescent();
    expect(steps).to.deep.equal(['published', 'compared', 'published', 'sleeps']);
    expect(reader.online).to.equal(true);
  });

  describe('are told of to those that keep things for one', () => {
    let steps: string[];
    const keep = (name: string): void =>
      reader.keep({ begin: () => steps.push(`${name} begins`), end: () => steps.push(`${name} ends`) });
    beforeEach(() => {
      steps = [];
    });

    it('at once', () => {
      keep('online');
      reader.goOffline();
      steps.length = 0;
      keep('offline');
      expect(steps).to.deep.equal(['offline ends']);
      reader.goOnline();
      expect(steps).to.deep.equal(['offline ends', 'online begins', 'offline begins']);
    });

    it('when it begins, before the listeners, and when the reader leaves', () => {
      const take = (): string[] => steps.splice(0);
      reader.onInterval(() => steps.push('listener'));
      keep('a');
      keep('b');
      expect(take()).to.deep.equal(['a begins', 'b begins']);
      beginPeriod();
      reader.quiescent();
      expect(take()).to.deep.equal(['a begins', 'b begins', 'listener']);
      reader.goOffline();
      expect(take()).to.deep.equal(['a ends', 'b ends']);
      reader.goOnline();
      expect(take()).to.deep.equal(['a begins', 'b begins', 'listener']);
      reader.detach();
      expect(take()).to.deep.equal(['a ends', 'b ends']);
    });
  });

  describe('a listener', () => {
    let calls: number[];
    let remove: () => void;
    beforeEach(() => {
      calls = [];
      remove = reader.onInterval(() => calls.push(reader.interval));
    });

    it('is called by what begins an interval, whether or not anybody looks at what it returns', async () => {
      reader.quiescent();
      expect(calls, 'with nothing to report').to.deep.equal([]);
      beginPeriod();
      reader.quiescent();
      expect(calls).to.deep.equal([2]);
      reader.quiescent();
      expect(calls, 'again').to.deep.equal([2]);
      reader.goOffline();
      expect(calls, 'offline').to.deep.equal([2]);
      reader.goOnline();
      reader.quiescent();
      expect(calls).to.deep.equal([2, 3]);
      reader.offline(() => {});
      await reader.offline(async () => {});
      expect(calls).to.deep.equal([2, 3, 4, 5]);
      reader.detach();
      expect(calls).to.deep.equal([2, 3, 4, 5]);
    });

    it('is called as often as it was added, until it is removed', () => {
      const both = (): void => void calls.push(0);
      const removals = [reader.onInterval(both), reader.onInterval(both)];
      reader.offline(() => {});
      expect(calls).to.deep.equal([2, 0, 0]);
      for (let times = 0; times < 2; times++) removals[0]?.();
      reader.offline(() => {});
      expect(calls).to.deep.equal([2, 0, 0, 3, 0]);
      removals[1]?.();
      remove();
      reader.offline(() => {});
      expect(calls).to.deep.equal([2, 0, 0, 3, 0]);
    });

    it('may remove itself and others, which are not called any more', () => {
      const later: (() => void)[] = [];
      const removeSelf = reader.onInterval(() => {
        calls.push(-1);
        removeSelf();
        for (const other of later) other();
      });
      later.push(reader.onInterval(() => expect.fail('it was removed')));
      reader.offline(() => {});
      reader.offline(() => {});
      expect(calls).to.deep.equal([2, -1, 3]);
    });

    it('sees the new roots, and may do what is allowed in a section, but not end the interval', () => {
      let refusals = 0;
      reader.onInterval(() => {
        expect(reader.online && reader.holdsRoots && reader.inSection).to.equal(true);
        expect(reader.read(() => reader.interval)).to.equal(2);
        for (const operation of ['quiescent', 'goOffline', 'goOnline'] as const) {
          expectThrow(() => reader[operation](), UsageError, operation, "reader 'vcpu0'", 'listeners of onInterval');
          refusals++;
        }
      });
      beginPeriod();
      expect(reader.quiescent()).to.equal(true);
      expect(refusals).to.equal(3);
      expect(reader.inSection).to.equal(false);
      expect(reader.quiescent()).to.equal(false);
    });

    it('leaves no section open, even if it forgets one', () => {
      const forget = reader.onInterval(() => reader.readLock());
      beginPeriod();
      reader.quiescent();
      forget();
      expect(reader.inSection).to.equal(false);
      beginPeriod();
      expect(reader.quiescent()).to.equal(true);
      reader.readLock();
      expectThrow(() => reader.quiescent(), UsageError, 'inside a read-side section');
    });

    it('may detach the reader; then nobody else is called', () => {
      reader.onInterval(() => reader.detach());
      reader.onInterval(() => expect.fail('the reader is detached'));
      beginPeriod();
      expect(reader.quiescent()).to.equal(true);
      expect(reader.online).to.equal(false);
      expectThrow(() => reader.quiescent(), UsageError, 'is detached');
    });

    it('that throws does so through quiescent, when the others were called; the next call tells of the interval', async () => {
      const boom = new Error('boom');
      const second = new Error('second');
      remove();
      const throwing = reader.onInterval(() => {
        throw boom;
      });
      const also = reader.onInterval(() => {
        throw second;
      });
      reader.onInterval(() => calls.push(reader.interval));
      beginPeriod();
      const uncaught = await uncaughtDuring(() =>
        expect(() => reader.quiescent())
          .to.throw()
          .that.equals(boom),
      );
      expect(uncaught).to.deep.equal([second]);
      expect(calls).to.deep.equal([2]);
      expect(reader.inSection).to.equal(false);
      expect(reader.quiescent(), 'it did not return').to.equal(true);
      expect(reader.quiescent()).to.equal(false);
      expect(calls, 'once for an interval').to.deep.equal([2]);
      also();
      expect(() => reader.offline(() => {}))
        .to.throw()
        .that.equals(boom);
      expect(reader.online).to.equal(true);
      await expectReject(() => reader.offline(async () => {}), Error, 'boom');
      throwing();
    });

    it('that throws does not replace an error of what ran offline', async () => {
      const boom = new Error('boom');
      reader.onInterval(() => {
        throw boom;
      });
      const body = (): never => {
        throw new RangeError('of the body');
      };
      const uncaught = await uncaughtDuring(async () => {
        expect(() => reader.offline(body)).to.throw(RangeError, 'of the body');
        await expectReject(() => reader.offline(async () => body()), RangeError, 'of the body');
      });
      expect(uncaught).to.deep.equal([boom, boom]);
      expect(reader.online).to.equal(true);
    });

    it('has to be a function', () => {
      expectThrow(() => reader.onInterval(undefined as never), TypeError, 'onInterval', 'listener');
    });
  });
});

describe("The intervals of a reader on the owner's thread", () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;
  beforeEach(() => {
    memory = smallEngine({ debug: false });
    memory.ram.plug({ id: 'ram', size: 80 * PAGE });
    vcpu = attachVcpu(memory.handle);
  });
  afterEach(async () => {
    vcpu.detach();
    await memory.close();
  });

  const waits: Readonly<Record<string, () => unknown>> = {
    'a harvest': async () => (await memory.harvest(VGA)).set.dispose(),
    synchronize: () => memory.rcu.synchronize(),
    synchronizeBlocking: () => memory.rcu.synchronizeBlocking(),
    poll: () => {
      const cookie = memory.rcu.startPoll();
      while (!memory.rcu.poll(cookie));
    },
  };
  for (const [name, wait] of Object.entries(waits)) {
    it(`end with a report of the owner in ${name}, which the next quiescent tells with nothing to report`, async () => {
      const calls: number[] = [];
      vcpu.onInterval(() => calls.push(vcpu.interval));
      expect(vcpu.quiescent()).to.equal(false);
      const before = vcpu.interval;
      await wait();
      expect(vcpu.interval).to.be.above(before);
      expect(calls).to.deep.equal([vcpu.interval]);
      expect(vcpu.quiescent()).to.equal(true);
      expect(vcpu.quiescent()).to.equal(false);
      expect(calls).to.have.length(1);
    });
  }

  it('end with each collection of stopped vCPUs, whether or not it finds something', () => {
    for (let interval = 2; interval < 5; interval++) {
      memory.whileStopped.harvest(MIGRATION).set.dispose();
      expect(vcpu.interval).to.equal(interval);
      expect(vcpu.quiescent()).to.equal(true);
    }
    expect(vcpu.quiescent()).to.equal(false);
  });

  it('lose no store of a page that was marked before a collection of stopped vCPUs', () => {
    for (const collect of [
      () => memory.whileStopped.harvest(MIGRATION).set.dispose(),
      () => memory.whileStopped.snapshotAndClear(0, 80 * PAGE, MIGRATION).dispose(),
      () => void memory.whileStopped.testAndClear(0, 80 * PAGE, MIGRATION),
    ]) {
      vcpu.mark(PAGE);
      const marked = vcpu.interval;
      collect();
      if (vcpu.interval !== marked) vcpu.mark(PAGE); // stores again, and marks if its mark no longer holds
      const { set } = memory.whileStopped.harvest(MIGRATION);
      expect(pagesOf(set)).to.deep.equal([1]);
      set.dispose();
    }
  });

  it('keep what a listener marks, also when a collection of stopped vCPUs calls it', () => {
    memory.whileStopped.harvest(MIGRATION).set.dispose();
    const remove = vcpu.onInterval(() => vcpu.mark(3 * PAGE));
    memory.whileStopped.harvest(MIGRATION).set.dispose();
    remove();
    const { set } = memory.whileStopped.harvest(MIGRATION);
    expect(pagesOf(set)).to.deep.equal([3]);
    set.dispose();
  });

  it('refuse a listener the operations that wait, and give its errors to the host', async () => {
    const boom = new Error('boom');
    let refused: Promise<unknown> | undefined;
    const remove = vcpu.onInterval(() => {
      refused ??= memory.harvest(MIGRATION).catch((error: unknown) => error);
      throw boom;
    });
    const uncaught = await uncaughtDuring(async () => (await memory.harvest(VGA)).set.dispose());
    remove();
    expect(uncaught.length).to.be.above(0);
    expect(new Set(uncaught)).to.deep.equal(new Set([boom]));
    expect(await refused).to.be.an.instanceOf(UsageError);
  });

  it('do not end for readers of other threads, which the owner does not report for', async () => {
    const foreign = foreignVcpu(memory);
    const { interval } = foreign;
    const cookie = memory.rcu.startPoll();
    memory.rcu.poll(cookie);
    expect(foreign.interval).to.equal(interval);
    expect(foreign.quiescent()).to.equal(true);
    foreign.detach();
  });
});
