import { expect } from 'chai';
import type { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import { Kind } from '../../lib/arena/trace-kinds.js';
import { GracePeriods } from '../../lib/rcu/grace-period.js';
import { FIRST_NUMBER, nextNumber, OFFLINE } from '../../lib/rcu/sequence.js';
import { createArena, interleaved, PeriodsFrom, SlotByHand } from '../support/hand-stepped.js';

/** Length of the sequences that are tried out. */
const STEPS = 7;

describe('GracePeriods', () => {
  let arena: Arena;
  let periods: GracePeriods;
  let a: SlotByHand;
  let b: SlotByHand;

  beforeEach(() => {
    arena = createArena(3);
    periods = new GracePeriods(arena);
    a = new SlotByHand(arena, 0);
    b = new SlotByHand(arena, 2);
  });

  const number = (): number => arena.words.load(Header.Number);
  const counts = (): object => ({ started: periods.started, completed: periods.completed, running: periods.running });

  describe('idle', () => {
    it('is the first state, with the number stored for readers to find', () => {
      expect(counts()).to.deep.equal({ started: 0, completed: 0, running: false });
      expect(number()).to.equal(FIRST_NUMBER);
    });

    it('begins no period by being polled', () => {
      a.report();
      periods.poll();
      expect(counts()).to.deep.equal({ started: 0, completed: 0, running: false });
      expect(number()).to.equal(FIRST_NUMBER);
    });

    it('begins a period with the first request, at once', () => {
      expect(periods.request(), 'cookie').to.equal(1);
      expect(counts()).to.deep.equal({ started: 1, completed: 0, running: true });
      expect(number()).to.equal(nextNumber(FIRST_NUMBER));
    });
  });

  describe('running', () => {
    it('ends at the first poll when no reader is online', () => {
      periods.request();
      periods.poll();
      expect(counts()).to.deep.equal({ started: 1, completed: 1, running: false });
    });

    it('needs every online reader, in whichever order they report', () => {
      for (const [first, second] of [
        [a, b],
        [b, a],
      ] as const) {
        a.report();
        b.report();
        const cookie = periods.request();
        periods.poll();
        expect(periods.completed, 'nobody has reported').to.be.below(cookie);
        first.report();
        periods.poll();
        expect(periods.completed, 'one has reported').to.be.below(cookie);
        second.report();
        periods.poll();
        expect(periods.completed, 'both have').to.equal(cookie);
      }
    });

    it('takes a reader that has gone offline for quiescent', () => {
      a.report();
      periods.request();
      a.leave();
      periods.poll();
      expect(periods.completed).to.equal(1);
    });

    it('does not wait for a reader that has come online since it began', () => {
      periods.request();
      a.report();
      periods.poll();
      expect(periods.completed).to.equal(1);
    });

    it('waits for a reader that came online with the number of before', () => {
      a.load();
      periods.request();
      a.store();
      periods.poll();
      expect(periods.completed).to.equal(0);
      a.report();
      periods.poll();
      expect(periods.completed).to.equal(1);
    });

    it('goes on waiting when its last reader leaves and another comes with the number of before', () => {
      a.report();
      b.load();
      periods.request();
      a.leave();
      b.store();
      periods.poll();
      expect(periods.completed).to.equal(0);
    });

    it('lets the number stand while a reader is one behind, however often it is polled and requested', () => {
      a.report();
      periods.request();
      for (let i = 0; i < 100; i++) {
        periods.poll();
        periods.request();
      }
      expect(number() - a.state).to.equal(2);
      expect(counts()).to.deep.equal({ started: 1, completed: 0, running: true });
    });
  });

  describe('running, and another wanted', () => {
    it('gives all requests of the time the next period, which begins when this one ends', () => {
      a.report();
      expect(periods.request()).to.equal(1);
      expect([periods.request(), periods.request(), periods.request()]).to.deep.equal([2, 2, 2]);
      a.report();
      periods.poll();
      expect(counts(), 'the first has ended').to.deep.equal({ started: 2, completed: 1, running: true });
      expect(periods.request(), 'asked for while the second runs').to.equal(3);
      a.report();
      periods.poll();
      expect(counts(), 'the second has ended').to.deep.equal({ started: 3, completed: 2, running: true });
      a.report();
      periods.poll();
      expect(counts(), 'one request, one period').to.deep.equal({ started: 3, completed: 3, running: false });
    });

    it('does not count for the next period what a reader reported to this one', () => {
      a.report();
      b.report();
      periods.request();
      a.report();
      const cookie = periods.request();
      b.report();
      periods.poll();
      expect(periods.completed).to.equal(1);
      b.report();
      periods.poll();
      expect(periods.completed, 'the first reader has not seen the second number').to.be.below(cookie);
      a.report();
      periods.poll();
      expect(periods.completed).to.equal(cookie);
    });

    it('ends both in one poll when no reader is online', () => {
      periods.request();
      periods.request();
      periods.poll();
      expect(counts()).to.deep.equal({ started: 2, completed: 2, running: false });
      expect(number()).to.equal(nextNumber(nextNumber(FIRST_NUMBER)));
    });
  });

  describe('what it tells of a period', () => {
    const hostNow = performance.now;
    let clock: number;
    beforeEach(() => {
      clock = 1_000_000;
      performance.now = () => clock;
    });
    afterEach(() => {
      performance.now = hostNow;
    });

    it('is its number, and when it began and how long it took, once a period', () => {
      const lengths: number[] = [];
      periods.onComplete = (milliseconds) => lengths.push(milliseconds);
      for (let period = 1; period <= 3; period++) {
        periods.request();
        expect(periods.beganAt).to.equal(clock);
        clock += 5 * period;
        periods.poll();
        clock += 100;
        periods.poll();
        expect(arena.words.load(Header.Completed)).to.equal(period);
        expect(periods.lastedMs).to.equal(5 * period);
        expect(arena.words.load(Header.Lasted)).to.equal(5000 * period);
      }
      expect(lengths).to.deep.equal([5, 10, 15]);
    });

    it('is the most microseconds that its word holds where it took longer', () => {
      periods.request();
      clock += 3_000_000;
      periods.poll();
      expect(arena.words.load(Header.Lasted)).to.equal(2 ** 31 - 1);
    });

    it('is its length first, for a reader that its end wakes', () => {
      const thread = interleaved(arena);
      const own = new GracePeriods(thread.arena);
      own.request();
      let looked = 0;
      thread.words.before = (access, index) => {
        if (access !== 'store' || index !== Header.Completed) return;
        looked++;
        expect(arena.words.load(Header.Lasted)).to.equal(7000);
      };
      clock += 7;
      own.poll();
      expect(looked).to.equal(1);
    });

    it('is recorded, its beginning and the sleep before a reader can have seen them', () => {
      const noted: number[][] = [];
      const recorder = {
        note: (kind: number, ...of: number[]) => {
          noted.push([kind, ...of, number(), arena.words.load(Header.Waiting)]);
        },
      };
      const own = new GracePeriods(Object.create(arena, { recorder: { value: recorder } }));
      const [one, two] = [nextNumber(FIRST_NUMBER), nextNumber(nextNumber(FIRST_NUMBER))];
      b.report();
      own.request();
      own.prepareSleep();
      b.report();
      own.poll();
      Object.assign(own, { asking: { decide: () => false } });
      own.request();
      own.prepareSleep();
      expect(noted).to.deep.equal([
        [Kind.Number, one, 1, FIRST_NUMBER, 0],
        [Kind.Sleep, 2, 1, one, 0],
        [Kind.Complete, one, 1, one, b.slot],
        [Kind.Number, two, 2, one, 0],
        [Kind.Sleep, 2, 0, two, 0],
      ]);
    });

    it('is who has reported to it, or has been offline in it', () => {
      a.report();
      const cookie = periods.request();
      const reported = (): boolean[] => [a, b].map(({ slot }) => periods.hasReported(slot, cookie));
      expect(reported()).to.deep.equal([false, true]);
      const next = periods.request();
      expect(periods.hasReported(b.slot, next), 'not yet begun').to.equal(false);
      a.report();
      expect(reported()).to.deep.equal([true, true]);
      periods.poll();
      expect(periods.hasReported(a.slot, next)).to.equal(false);
      expect(reported(), 'it has ended').to.deep.equal([true, true]);
    });
  });

  describe('the sleep of its owner', () => {
    /** Sleeps through a period of so many milliseconds. @returns whether the reader was asked to give way to it */
    const sleepThrough = (milliseconds: number): boolean => {
      periods.request();
      periods.prepareSleep();
      const waiting = arena.words.load(Header.Waiting);
      expect(Math.abs(waiting)).to.equal(a.slot);
      a.report();
      periods.beganAt -= milliseconds;
      periods.poll();
      return waiting > 0;
    };

    it('asks readers to give way, or not, by whether it has helped', () => {
      a.report();
      const asked = Array.from({ length: 16 }, () => sleepThrough(1000));
      expect(asked).to.include.members([true, false]);
      expect(asked[0]).to.equal(true);
      expect(asked.slice(-3), 'it changes nothing').to.deep.equal([false, false, false]);
    });

    it('is the only time whose end wakes who has given way', () => {
      let woken = 0;
      arena.words.notify = (index) => {
        expect(index).to.equal(Header.Completed);
        woken++;
        return 0;
      };
      a.report();
      sleepThrough(1);
      expect(woken).to.equal(1);
      periods.request();
      a.report();
      periods.poll();
      expect(woken, 'nobody was named').to.equal(1);
    });
  });

  it('is told to readers as over by a last period, even while one runs', () => {
    a.report();
    periods.finish();
    expect(number()).to.equal(nextNumber(FIRST_NUMBER));
    periods.finish();
    expect(number()).to.equal(nextNumber(nextNumber(FIRST_NUMBER)));
  });

  it('crosses the wrap of its number without ending a period early or never', () => {
    a.report();
    b.report();
    let wrapped = false;
    for (let cookie = 1; cookie <= 70; cookie++) {
      expect(periods.request()).to.equal(cookie);
      wrapped ||= number() < a.state;
      periods.poll();
      a.report();
      periods.poll();
      expect(periods.completed, `cookie ${cookie}, one reader behind`).to.equal(cookie - 1);
      b.report();
      periods.poll();
      expect(periods.completed, `cookie ${cookie}`).to.equal(cookie);
    }
    expect(wrapped, 'the number wrapped').to.equal(true);
  });

  it('never shows readers the number 0', () => {
    const near = new PeriodsFrom(arena, -9);
    const seen = new Set<number>();
    for (let period = 0; period < 10; period++) {
      near.request();
      seen.add(number());
      near.poll();
    }
    expect([...seen]).to.deep.equal([-7, -5, -3, -1, 1, 3, 5, 7, 9, 11]);
  });

  for (const start of [FIRST_NUMBER, -41]) {
    it(`waits for a reader that stored an old number late, whatever has passed since ${start}`, () => {
      for (let stalledFor = 1; stalledFor <= 100; stalledFor++) {
        const late = new PeriodsFrom(arena, start);
        a.leave();
        a.load();
        for (let period = 0; period < stalledFor; period++) {
          late.request();
          late.poll();
        }
        expect(late.completed, 'it was offline meanwhile').to.equal(stalledFor);
        a.store();
        const cookie = late.request();
        late.poll();
        expect(late.completed, `stalled for ${stalledFor} periods`).to.be.below(cookie);
        a.report();
        late.poll();
        expect(late.completed).to.equal(cookie);
      }
    });
  }

  it('waits for a reader stalled between the load and the store of its report', () => {
    for (let period = 0; period < 40; period++) {
      a.report();
      periods.request();
      a.load();
      periods.poll();
      expect(periods.running, 'loaded, not stored').to.equal(true);
      const cookie = periods.request();
      a.store();
      periods.poll();
      expect(periods.completed, 'reported to the first, not to the second').to.equal(cookie - 1);
      a.report();
      periods.poll();
      expect(periods.completed).to.equal(cookie);
    }
  });

  describe('kick', () => {
    it('asks exactly the readers that the period waits for', () => {
      a.report();
      b.report();
      periods.request();
      b.report();
      periods.kick();
      expect([a.kick, b.kick]).to.deep.equal([number(), 0]);
    });

    it('asks nobody when no period runs', () => {
      a.report();
      periods.kick();
      periods.request();
      a.report();
      periods.poll();
      periods.kick();
      expect(a.kick).to.equal(0);
    });

    it('has no say in when the period ends', () => {
      a.report();
      periods.request();
      periods.kick();
      periods.poll();
      expect(periods.completed).to.equal(0);
      a.report();
      periods.poll();
      expect(periods.completed).to.equal(1);
    });
  });

  /**
   * Every sequence of seven steps of the owner and two readers, compared with a model that knows neither numbers nor
   * wrapping: each cookie holds the readers that must still report or leave.
   */
  it('agrees with a model without arithmetic in every sequence of steps', () => {
    const ended = new Set<number>();
    for (const start of [2 ** 31 - 5, -5]) {
      for (let code = 0; code < 6 ** STEPS; code++) {
        ended.add(runSequence(start, code));
      }
    }
    expect([...ended].sort(), 'periods that sequences have ended').to.deep.equal([0, 1, 2, 3]);
  });

  /** @param code the steps, one a digit to base 6, from the right. @returns how many periods have ended */
  function runSequence(start: number, code: number): number {
    const model = new Model();
    const own = new PeriodsFrom(arena, start);
    a.report();
    b.report();
    for (let rest = code, step = 0; step < STEPS; step++, rest = Math.floor(rest / 6)) {
      const kind = rest % 6;
      if (kind === 0) {
        const cookie = own.request();
        if (cookie !== model.request()) fail(code, step, `cookie ${cookie}`);
      } else if (kind === 1) {
        own.poll();
        model.poll();
      } else {
        const which = kind % 2;
        const reader = which === 0 ? a : b;
        if (reader.state === OFFLINE || kind < 4) {
          reader.report();
          model.report(which);
        } else {
          reader.leave();
          model.leave(which);
        }
      }
      if (own.completed !== model.completed) fail(code, step, `${own.completed} ended, not ${model.completed}`);
      if (own.started !== model.started) fail(code, step, `${own.started} begun, not ${model.started}`);
      for (const { state } of [a, b]) {
        const behind = state === OFFLINE ? 0 : (number() - state) | 0;
        if (behind !== 0 && !(behind === 2 && own.running)) fail(code, step, `a reader is ${behind / 2} behind`);
      }
    }
    return own.completed;
  }

  function fail(code: number, step: number, what: string): never {
    return expect.fail(`step ${step} of sequence ${code.toString(6)} to base 6, from the right: ${what}`);
  }
});

class Model {
  started = 0;
  completed = 0;
  private wanted = false;
  private readonly online = new Set([0, 1]);
  private awaited = new Set<number>();

  request(): number {
    if (this.started > this.completed) {
      this.wanted = true;
      return this.started + 1;
    }
    this.begin();
    return this.started;
  }

  poll(): void {
    while (this.started > this.completed && this.awaited.size === 0) {
      this.completed++;
      if (!this.wanted) return;
      this.wanted = false;
      this.begin();
    }
  }

  /** Or enters. */
  report(reader: number): void {
    this.awaited.delete(reader);
    this.online.add(reader);
  }

  leave(reader: number): void {
    this.awaited.delete(reader);
    this.online.delete(reader);
  }

  private begin(): void {
    this.started++;
    this.awaited = new Set(this.online);
  }
}
