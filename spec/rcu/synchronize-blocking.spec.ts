import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import { GracePeriodTimeout } from '../../lib/base/errors.js';
import { GracePeriods } from '../../lib/rcu/grace-period.js';
import { Rcu } from '../../lib/rcu/rcu.js';
import { waitBlocking } from '../../lib/rcu/synchronize-blocking.js';
import { BareReader, createArena, type InterleavedWords, interleaved } from '../support/hand-stepped.js';

/** Longer than any test may take: a wait that reaches it has missed its wake-up. */
const FOREVER = 10 ** 6;

describe('blocking wait', () => {
  let arena: Arena;
  /** The owner's own view; what the readers do goes in between. */
  let owner: Arena;
  let words: InterleavedWords;

  beforeEach(() => {
    arena = createArena(2);
    ({ arena: owner, words } = interleaved(arena));
  });

  const onWait = (act: () => void): void => {
    words.before = (access) => {
      if (access === 'wait') act();
    };
  };
  const wake = (): void => {
    arena.words.add(Header.Wake, 1);
  };

  it('waits for nothing when it is done already', () => {
    onWait(() => expect.fail('waited'));
    expect(waitBlocking(owner, FOREVER, () => true)).to.equal(true);
    expect(arena.words.load(Header.Waiting)).to.equal(0);
  });

  it('looks again after every wake-up, however many are for nothing', () => {
    let wakes = 0;
    let looks = 0;
    onWait(() => {
      wakes++;
      wake();
    });
    const done = (): boolean => ++looks > 1000;
    expect(waitBlocking(owner, FOREVER, done)).to.equal(true);
    expect(wakes).to.equal(1000);
  });

  it('gives up in time, though woken for nothing all the time', () => {
    let wakes = 0;
    onWait(() => {
      wakes++;
      wake();
    });
    expect(waitBlocking(owner, 3, () => false)).to.equal(false);
    expect(wakes).to.be.above(1);
    expect(arena.words.load(Header.Waiting)).to.equal(0);
  });

  it('looks once more when the time is up', () => {
    let looks = 0;
    expect(waitBlocking(owner, 0, () => ++looks === 1)).to.equal(true);
  });

  it('says that it waits before it looks, and not any more afterwards, even when looking throws', () => {
    const boom = new Error('boom');
    const done = (): boolean => {
      expect(arena.words.load(Header.Waiting)).to.equal(1);
      throw boom;
    };
    expect(() => waitBlocking(owner, FOREVER, done))
      .to.throw()
      .that.equals(boom);
    expect(arena.words.load(Header.Waiting)).to.equal(0);
  });

  it('misses no report, before whichever of its accesses it comes', () => {
    const periods = new GracePeriods(owner);
    const reader = new BareReader(arena);
    const done = (): boolean => {
      periods.poll();
      return !periods.running;
    };
    let at = 0;
    for (let beyond = false; !beyond; at++) {
      words.before = () => {};
      periods.request();
      let accesses = 0;
      let reported = false;
      words.before = (access, index, operand) => {
        if (accesses++ === at) {
          reader.quiescent();
          reported = true;
        }
        if (access !== 'wait') return;
        if (reported && arena.words.load(index) === operand) expect.fail(`missed a report before access ${at}`);
        if (reported) return;
        beyond = true;
        reader.quiescent();
      };
      expect(waitBlocking(owner, FOREVER, done)).to.equal(true);
    }
    expect(at, 'accesses up to the first sleep').to.be.above(4);
  });

  it('asks the readers of each period that it goes through to hurry', () => {
    const periods = new GracePeriods(owner);
    const rcu = new Rcu(owner, periods, FOREVER, () => {});
    const reader = new BareReader(arena);
    let reports = 0;
    onWait(() => {
      if (!reader.kicked) expect.fail(`the reader was not asked, after ${reports} reports`);
      reader.quiescent();
      reports++;
    });
    periods.request();
    rcu.synchronizeBlocking({ timeoutMs: FOREVER });
    expect(reports, 'the period that was running, and the one waited for').to.equal(2);
  });

  it('is ended by its time when a reader never reports, whatever wakes it', () => {
    const periods = new GracePeriods(owner);
    const rcu = new Rcu(owner, periods, FOREVER, () => {});
    const reader = new BareReader(arena, 'stuck');
    onWait(wake);
    expect(() => rcu.synchronizeBlocking({ timeoutMs: 3 })).to.throw(GracePeriodTimeout, "'stuck'");
    reader.detach();
    rcu.synchronizeBlocking({ timeoutMs: FOREVER });
  });
});
