import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import { GracePeriods } from '../../lib/rcu/grace-period.js';
import { Rcu } from '../../lib/rcu/rcu.js';
import { BareReader, createArena, type InterleavedWords, interleaved } from '../support/hand-stepped.js';
import { turns } from '../support/promises.js';

/** Longer than any test may take. */
const FOREVER = 10 ** 6;
/** How long the owner is told to poll, in milliseconds. */
const POLL_MS = 0.03;
const PAUSE_MS = 0.01;

describe('an owner that polls for a period before it sleeps', () => {
  const hostNow = performance.now;
  let clock: number;
  /** What a look at the clock takes: next to nothing. */
  let lookMs: number;
  let arena: Arena;
  let words: InterleavedWords;
  let periods: GracePeriods;
  let reader: BareReader;
  let rcu: Rcu;
  let pauses: number;
  let atPause: () => void;
  /** Of each period that the owner has waited for: how long it took, and whether the owner slept in it. */
  let told: [milliseconds: number, slept: boolean][];
  let spinTime: { milliseconds: number; ended: (milliseconds: number, slept: boolean) => void };

  beforeEach(() => {
    clock = 1_000_000;
    lookMs = PAUSE_MS / 1000;
    performance.now = () => {
      clock += lookMs;
      return clock;
    };
    arena = createArena(2);
    const thread = interleaved(arena);
    ({ words } = thread);
    pauses = 0;
    atPause = () => {};
    words.pause = () => {
      clock += PAUSE_MS;
      if (++pauses > 1000) throw new Error('it does not stop polling');
      atPause();
    };
    periods = new GracePeriods(thread.arena);
    reader = new BareReader(arena);
    rcu = new Rcu(thread.arena, periods, FOREVER, () => {});
    told = [];
    spinTime = { milliseconds: POLL_MS, ended: (milliseconds, slept) => told.push([milliseconds, slept]) };
    Object.assign(rcu, { spinTime });
  });
  afterEach(() => {
    performance.now = hostNow;
  });

  const reportInSleep = (): void => {
    words.before = (access) => {
      if (access === 'wait') reader.quiescent();
    };
  };
  const expectOneEnd = (milliseconds: number, slept: boolean): void => {
    expect(told).to.have.lengthOf(1);
    expect(told[0]?.[0]).to.be.closeTo(milliseconds, PAUSE_MS / 2);
    expect(told[0]?.[1], 'slept').to.equal(slept);
  };

  it('does so for as long as it is told, and learns that it has slept after all', () => {
    reportInSleep();
    rcu.synchronizeBlocking({ timeoutMs: FOREVER });
    expect(pauses).to.be.within(3, 4);
    expectOneEnd(pauses * PAUSE_MS, true);
  });

  it('does not when it is told so, in the moment in which the period begins', () => {
    spinTime.milliseconds = 0;
    lookMs = 0;
    reportInSleep();
    rcu.synchronizeBlocking({ timeoutMs: FOREVER });
    expect(pauses).to.equal(0);
  });

  for (const [title, wait] of [
    ['blocks', () => rcu.synchronizeBlocking({ timeoutMs: FOREVER })],
    ['lets its thread turn', () => rcu.synchronize()],
  ] as const) {
    it(`learns that it need not have slept when a reader reports meanwhile, where it ${title}`, async () => {
      atPause = () => reader.quiescent();
      await wait();
      expect(pauses).to.equal(1);
      expectOneEnd(PAUSE_MS, false);
    });
  }

  it('learns of its sleep while its thread turns, when the period has ended', async () => {
    lookMs = 0; // it looks as often as its thread turns
    const second = new BareReader(arena, 'second');
    const waited = rcu.synchronize();
    reader.quiescent();
    await turns();
    expect(told, 'it has slept for the first reader alone').to.deep.equal([]);
    clock += 5;
    second.quiescent();
    await waited;
    expectOneEnd(5 + pauses * PAUSE_MS, true);
  });

  it('learns nothing from a period that has ended before, or that nobody waits for', async () => {
    const cookie = rcu.startPoll();
    clock += 5;
    reader.quiescent();
    await turns();
    expect(rcu.completed).to.equal(cookie);
    await rcu.waitFor('synchronize', cookie, {});
    expect(told).to.deep.equal([]);
  });
});
