import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import { Courtesy } from '../../lib/rcu/courtesy.js';
import { createArena, interleaved } from '../support/hand-stepped.js';

describe('how often a reader gives way', () => {
  const hostNow = performance.now;
  let clock: number;
  let arena: Arena;
  let courtesy: Courtesy;
  let outlasts: boolean;
  /** What its sleeps take, and how long the period took that ends them, in microseconds. */
  let sleep: { ms: number; lasted: number };
  let longest: number;
  let periods: number;

  beforeEach(() => {
    clock = 1_000_000;
    performance.now = () => clock;
    outlasts = false;
    longest = 0;
    periods = 0;
    arena = createArena(1);
    const { words } = interleaved(arena).arena;
    words.wait = (index, expected, timeoutMs) => {
      expect([index, expected]).to.deep.equal([Header.Completed, arena.words.load(Header.Completed)]);
      longest = timeoutMs;
      clock += sleep.ms;
      if (outlasts) return;
      arena.words.store(Header.Lasted, sleep.lasted);
      arena.words.add(Header.Completed, 1);
    };
    courtesy = new Courtesy(words);
  });
  afterEach(() => {
    performance.now = hostNow;
  });

  /** In a period of its own. @returns whether the reader gave way */
  const givesWay = (): boolean => {
    if (!courtesy.mayGiveWay(++periods)) return false;
    courtesy.sleep(arena.words.load(Header.Completed));
    return true;
  };

  /** Periods that begin each `everyMs`. @returns the share of the time that the reader slept */
  const share = (count: number, everyMs: number): number => {
    const began = clock;
    let slept = 0;
    for (let i = 0; i < count; i++) {
      const next = clock + everyMs;
      if (givesWay()) slept += sleep.ms;
      clock = Math.max(clock, next);
    }
    return slept / (clock - began);
  };

  it('is a tenth of its time where periods follow one another closely', () => {
    sleep = { ms: 0.8, lasted: 1000 };
    expect(share(5000, 1)).to.be.within(0.095, 0.105);
  });

  it('is each period where that takes less than a tenth', () => {
    sleep = { ms: 0.8, lasted: 1000 };
    expect(share(1000, 16)).to.be.closeTo(0.8 / 16, 1e-6);
  });

  it('is each period, too, where it comes back late because others had its core', () => {
    sleep = { ms: 8, lasted: 1000 };
    expect(share(1000, 16)).to.be.closeTo(8 / 16, 1e-6);
  });

  it('is a tenth of its time where periods outlast its sleeps', () => {
    sleep = { ms: 2, lasted: 0 };
    outlasts = true;
    expect(share(5000, 3)).to.be.within(0.095, 0.105);
  });

  it('is at once, at first and after a long time without, for ten milliseconds in all', () => {
    sleep = { ms: 1, lasted: 1000 };
    for (let time = 0; time < 2; time++) {
      let slept = 0;
      while (givesWay()) slept++;
      expect(slept, 'ten, and two for what it saves meanwhile').to.equal(12);
      clock += 1_000_000;
    }
  });

  it('is seldom after a long sleep, for ten times as long as the period took', () => {
    sleep = { ms: 2000, lasted: 1_000_000 };
    const began = clock;
    expect(givesWay()).to.equal(true);
    clock = began + 9895;
    expect(givesWay()).to.equal(false);
    clock = began + 9905;
    expect(givesWay()).to.equal(true);
  });

  it('is for two milliseconds at most', () => {
    sleep = { ms: 1, lasted: 1000 };
    expect(givesWay()).to.equal(true);
    expect(longest).to.equal(2);
  });

  it('is decided once a period', () => {
    expect(courtesy.mayGiveWay(7)).to.equal(true);
    expect(courtesy.mayGiveWay(7)).to.equal(false);
    expect(courtesy.mayGiveWay(9)).to.equal(true);
  });
});
