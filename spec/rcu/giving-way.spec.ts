import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import { Header, Slot } from '../../lib/arena/layout.js';
import { GracePeriods } from '../../lib/rcu/grace-period.js';
import { OFFLINE } from '../../lib/rcu/sequence.js';
import { BareReader, createArena, type InterleavedWords, interleaved } from '../support/hand-stepped.js';

describe('a reader that gives way', () => {
  const hostNow = performance.now;
  let clock: number;
  let arena: Arena;
  let periods: GracePeriods;
  /** The first of the registry, which the owner sleeps for. */
  let holdout: BareReader;
  let words: InterleavedWords;
  let reader: BareReader;
  /** How often the reader has slept, and what happened when it was about to. */
  let sleeps: number;
  let atSleep: () => void;

  beforeEach(() => {
    clock = 1_000_000;
    performance.now = () => clock;
    arena = createArena(3);
    periods = new GracePeriods(arena);
    Object.assign(periods, { asking: { decide: () => true, ended: () => {} } }); // in each period
    holdout = new BareReader(arena, 'holdout');
    const thread = interleaved(arena);
    words = thread.words;
    reader = new BareReader(thread.arena, 'reader', 8, true);
    sleeps = 0;
    atSleep = () => {
      holdout.quiescent();
      periods.poll();
    };
    words.before = (access, index) => {
      if (access !== 'wait') return;
      expect(index, 'the word that it sleeps on').to.equal(Header.Completed);
      sleeps++;
      atSleep();
    };
  });
  afterEach(() => {
    performance.now = hostNow;
  });

  /** Begins a period and goes to sleep for the holdout. */
  const sleepOwner = (): void => {
    periods.request();
    periods.poll();
    expect(periods.prepareSleep()).to.not.equal(undefined);
    expect(arena.words.load(Header.Waiting)).to.equal(holdout.slot);
  };

  it('reports, goes offline, sleeps until the period ends, and is online with new roots', () => {
    sleepOwner();
    const roots = reader.rootLoads;
    const number = arena.words.load(Header.Number);
    atSleep = () => {
      expect(arena.words.load(reader.slot + Slot.State)).to.equal(OFFLINE);
      expect(reader.holdsRoots).to.equal(false);
      holdout.quiescent();
      periods.poll();
      expect(periods.running).to.equal(false);
    };
    reader.quiescent();
    expect(sleeps).to.equal(1);
    expect(reader.online).to.equal(true);
    expect(arena.words.load(reader.slot + Slot.State)).to.equal(number);
    expect(reader.rootLoads - roots, 'by the report, and on coming back').to.equal(2);
    reader.quiescent();
    expect(sleeps).to.equal(1);
  });

  it('sleeps through no end of the period, before whichever of its accesses that comes', () => {
    let at = 0;
    let inTime = 0;
    for (let reached = true; reached; at++) {
      clock += 1000;
      sleepOwner();
      let accesses = 0;
      let ended = false;
      words.before = (access, index, operand) => {
        if (accesses++ === at) {
          holdout.quiescent();
          periods.poll();
          // Before the reader's report the period cannot end.
          ended = !periods.running;
        }
        if (access !== 'wait') return;
        if (ended && arena.words.load(index) === operand) expect.fail(`slept through the end before access ${at}`);
        if (!ended) {
          holdout.quiescent();
          periods.poll();
        } else inTime++;
      };
      reader.quiescent();
      reached = accesses > at;
      words.before = () => {};
      holdout.quiescent();
      reader.quiescent();
      periods.poll();
      expect(periods.running).to.equal(false);
    }
    expect(at, 'accesses up to the end').to.be.above(8);
    expect(inTime, 'ended after Completed was loaded, and before the sleep').to.be.above(0);
  });

  it('does not when the owner has not gone to sleep, sleeps no more, or does not ask', () => {
    periods.request();
    periods.poll();
    reader.quiescent();
    expect(sleeps, 'awake').to.equal(0);
    holdout.quiescent();
    periods.poll();
    sleepOwner();
    periods.endSleep();
    reader.quiescent();
    expect(sleeps, 'awake again').to.equal(0);
    holdout.quiescent();
    periods.poll();
    sleepOwner();
    arena.words.store(Header.Waiting, -holdout.slot);
    reader.quiescent();
    reader.quiescent();
    expect(sleeps, 'not asked').to.equal(0);
  });

  it('does not in a section, and does at its end', () => {
    reader.readLock();
    sleepOwner();
    expect(() => reader.quiescent()).to.throw('inside a read-side section');
    reader.readUnlock();
    expect(sleeps).to.equal(0);
    reader.quiescent();
    expect(sleeps).to.equal(1);
  });

  it('when it is the one that is named, wakes the owner, and looks on until another is or the period ends', () => {
    reader.goOffline();
    const other = new BareReader(arena, 'other');
    reader.goOnline();
    holdout.goOffline();
    periods.request();
    periods.poll();
    const seen = periods.prepareSleep();
    expect(arena.words.load(Header.Waiting)).to.equal(reader.slot);
    reader.quiescent();
    expect(arena.words.load(Header.Wake)).to.not.equal(seen);
    reader.quiescent();
    expect(sleeps, 'the owner is waking up').to.equal(0);
    periods.poll();
    periods.prepareSleep();
    expect(arena.words.load(Header.Waiting)).to.equal(other.slot);
    atSleep = () => {
      other.quiescent();
      periods.poll();
    };
    reader.quiescent();
    expect(sleeps).to.equal(1);
    other.detach();
  });

  it('when it is the one that is named, does when the owner has not woken up in time', () => {
    holdout.goOffline();
    periods.request();
    periods.poll();
    periods.prepareSleep();
    expect(arena.words.load(Header.Waiting)).to.equal(reader.slot);
    atSleep = () => periods.poll();
    reader.quiescent();
    clock += 0.05;
    reader.quiescent();
    expect(sleeps, 'the owner may be waking up').to.equal(0);
    clock += 0.05;
    reader.quiescent();
    expect(sleeps).to.equal(1);
    expect(periods.running).to.equal(false);
  });

  it('does when the owner falls asleep after the report, as long as it may', () => {
    for (const [later, expected] of [
      [0.2, 1],
      [0.4, 0],
    ] as const) {
      sleeps = 0;
      periods.request();
      periods.poll();
      reader.quiescent();
      clock += later;
      reader.quiescent();
      expect(sleeps).to.equal(0);
      expect(periods.prepareSleep()).to.not.equal(undefined);
      reader.quiescent();
      expect(sleeps, `${later} ms later`).to.equal(expected);
      holdout.quiescent();
      periods.poll();
    }
  });

  it('does when it comes online while the owner sleeps', () => {
    reader.goOffline();
    sleepOwner();
    reader.goOnline();
    expect(sleeps).to.equal(0);
    reader.quiescent();
    expect(sleeps).to.equal(1);
  });

  it('does not when the owner has woken up since the report', () => {
    reader.goOffline();
    sleepOwner();
    reader.goOnline();
    periods.endSleep();
    reader.quiescent();
    expect(sleeps).to.equal(0);
  });

  it('does once a period, whatever ends its sleep', () => {
    sleepOwner();
    atSleep = () => arena.words.add(Header.Completed, 0x1000); // wakes it at once, and no period has ended
    reader.quiescent();
    arena.words.add(Header.Completed, -0x1000);
    clock += 1000;
    reader.quiescent();
    reader.quiescent();
    expect(sleeps).to.equal(1);
  });

  it('does in the next period, too, if that has begun while it slept', () => {
    sleepOwner();
    atSleep = () => {
      holdout.quiescent();
      periods.poll();
      sleepOwner();
      atSleep = () => {};
    };
    reader.quiescent();
    expect(sleeps).to.equal(1);
    reader.quiescent();
    expect(sleeps).to.equal(2);
  });

  it('is told by the fast path alone again once it has seen that the period is over', () => {
    sleepOwner();
    reader.quiescent();
    reader.quiescent();
    let accesses = 0;
    words.before = () => accesses++;
    reader.quiescent();
    reader.quiescent();
    expect(accesses).to.equal(2);
  });

  it('never does where it was told not to', () => {
    reader.detach();
    const proud = new BareReader(interleaved(arena).arena, 'proud', 9, false);
    sleepOwner();
    proud.quiescent();
    expect(arena.words.load(proud.slot + Slot.State)).to.equal(arena.words.load(Header.Number));
  });
});
