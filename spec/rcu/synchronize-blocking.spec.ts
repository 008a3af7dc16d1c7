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
  let periods: GracePeriods;
  /** The running period waits for it. */
  let reader: BareReader;

  beforeEach(() => {
    arena = createArena(3);
    ({ arena: owner, words } = interleaved(arena));
    periods = new GracePeriods(owner);
    reader = new BareReader(arena);
    periods.request();
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
    expect(waitBlocking(words, periods, FOREVER, () => true)).to.equal(true);
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
    expect(waitBlocking(words, periods, FOREVER, done)).to.equal(true);
    expect(wakes).to.equal(1000);
  });

  it('gives up in time, though woken for nothing all the time', () => {
    let wakes = 0;
    onWait(() => {
      wakes++;
      wake();
    });
    expect(waitBlocking(words, periods, 3, () => false)).to.equal(false);
    expect(wakes).to.be.above(1);
    expect(arena.words.load(Header.Waiting)).to.equal(0);
  });

  it('does not give up before its time', () => {
    const hostNow = performance.now;
    let clock = 1000;
    performance.now = () => clock;
    try {
      onWait(() => {
        clock += 0.75;
        wake();
      });
      expect(waitBlocking(words, periods, 3, () => false)).to.equal(false);
      expect(clock - 1000).to.equal(3);
    } finally {
      performance.now = hostNow;
    }
  });

  it('looks once more when the time is up', () => {
    let looks = 0;
    expect(waitBlocking(words, periods, 0, () => ++looks === 1)).to.equal(true);
  });

  it('names the reader that it sleeps for, and nobody afterwards, even when looking throws', () => {
    const boom = new Error('boom');
    let slept = false;
    onWait(() => {
      slept = true;
      expect(arena.words.load(Header.Waiting)).to.equal(reader.slot);
      wake();
    });
    const done = (): boolean => {
      if (slept) throw boom;
      return false;
    };
    expect(() => waitBlocking(words, periods, FOREVER, done))
      .to.throw()
      .that.equals(boom);
    expect(arena.words.load(Header.Waiting)).to.equal(0);
  });

  it('sleeps for one reader after another, whose reports alone wake it', () => {
    const others = [new BareReader(arena, 'second'), new BareReader(arena, 'third')];
    periods.poll();
    reader.quiescent();
    periods.poll();
    periods.request();
    const named: number[] = [];
    onWait(() => {
      named.push(arena.words.load(Header.Waiting));
      const seen = arena.words.load(Header.Wake);
      if (named.length === 1) others[0]?.quiescent();
      expect(arena.words.load(Header.Wake), 'a report of one that is not named').to.equal(seen);
      (named.length === 1 ? reader : others[1])?.quiescent();
      expect(arena.words.load(Header.Wake), 'a report of the one that is named').not.to.equal(seen);
    });
    const done = (): boolean => {
      periods.poll();
      return !periods.running;
    };
    expect(waitBlocking(words, periods, FOREVER, done)).to.equal(true);
    expect(named).to.deep.equal([reader.slot, others[1]?.slot]);
  });

  it('misses no report, before whichever of its accesses it comes', () => {
    const done = (): boolean => {
      periods.poll();
      return !periods.running;
    };
    let at = 0;
    for (let beyond = false; !beyond; at++) {
      words.before = () => {};
      if (!periods.running) periods.request();
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
      expect(waitBlocking(words, periods, FOREVER, done)).to.equal(true);
    }
    expect(at, 'accesses up to the first sleep').to.be.above(4);
  });

  it('asks the readers of each period that it goes through to hurry', () => {
    const rcu = new Rcu(owner, periods, FOREVER, () => {});
    let reports = 0;
    onWait(() => {
      if (!reader.kicked) expect.fail(`the reader was not asked, after ${reports} reports`);
      reader.quiescent();
      reports++;
    });
    rcu.synchronizeBlocking({ timeoutMs: FOREVER });
    expect(reports, 'the period that was running, and the one waited for').to.equal(2);
  });

  it('is ended by its time when a reader never reports, whatever wakes it', () => {
    const rcu = new Rcu(owner, periods, FOREVER, () => {});
    onWait(wake);
    expect(() => rcu.synchronizeBlocking({ timeoutMs: 3 })).to.throw(GracePeriodTimeout, "'bare'");
    reader.detach();
    rcu.synchronizeBlocking({ timeoutMs: FOREVER });
  });
});
