/**
 * GP-8 under each model of memory (judges.ts): a reader that gives way against the end of the period that it gives way
 * to, and against the beginning and the end of the next. `Waiting` holds 1 while the owner sleeps for some other reader
 * and asks.
 */
import { expect } from 'chai';
import { Header, Slot } from '../../lib/arena/layout.js';
import { Vcpu } from '../../lib/dirty/vcpu.js';
import type { Seen } from './checker/event.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { engineThread, initialWords, locationsOf, type World } from './engine-world.js';
import { describeInModels } from './judges.js';
import { LOCATIONS, NUMBER, next, OFFLINE, report, SLOT, waitFor } from './protocols.js';

const WAITING = 16;
const COMPLETED = 17;
type Step = (m: TracedWords) => void;
/** Numbers and counts of the two periods. */
const ONE = 1;
const TWO = next(ONE);
const numberOf = (completed: number): number => (completed === 1 ? ONE : completed === 2 ? TWO : OFFLINE);

function litmus(giveWay: (m: TracedWords, reported: number) => void, owner: Step): Litmus {
  return {
    locations: { ...LOCATIONS, waiting: WAITING, completed: COMPLETED },
    initial: new Map([
      [NUMBER, ONE],
      [SLOT, ONE],
      [WAITING, 1],
    ]),
    threads: {
      reader: (m) => {
        const reported = report(m);
        if (m.load(WAITING) > 0) giveWay(m, reported);
        return { reported };
      },
      owner,
    },
  };
}

const shippedGiveWay = (m: TracedWords, reported: number): void => {
  const waiting = m.load(WAITING);
  const completed = m.load(COMPLETED);
  if (waiting === 0 || numberOf(completed) === reported) return;
  m.store(SLOT, OFFLINE);
  m.wait(COMPLETED, completed);
};

/** The end of the first period, in which a reader was named. */
const shippedEnd: Step = (m) => {
  m.store(COMPLETED, 1);
  m.store(WAITING, 0);
  m.notify(COMPLETED);
};

/** The second period, in which nobody is named. */
const second: Step = (m) => {
  m.store(NUMBER, TWO);
  waitFor(m, TWO);
  m.store(COMPLETED, 2);
};

const both =
  (end: Step): Step =>
  (m) => {
    end(m);
    second(m);
  };

/** The owner has come to its end. */
const isMissed = ({ asleep }: Seen): boolean => asleep === 1;

describeInModels(
  'GP-8: who gives way does not sleep on when the period has ended',
  ({ expectNever, expectWitness }) => {
    it('the reader is woken, or does not go to sleep', () => {
      expectNever(litmus(shippedGiveWay, shippedEnd), isMissed);
    });

    it('nor does it sleep in the period after, in which the owner has not slept', () => {
      const outcomes = expectNever(litmus(shippedGiveWay, both(shippedEnd)), isMissed);
      expect(outcomes.find(({ reported }) => reported === TWO)).not.to.equal(undefined);
    });

    it('it sleeps as long as the period lasts', () => {
      const outcomes = litmus(shippedGiveWay, () => {});
      expectWitness(outcomes, isMissed);
    });

    it('broken, the word to sleep on loaded after OFFLINE is stored: it sleeps on', () => {
      const late = (m: TracedWords, reported: number): void => {
        if (m.load(WAITING) === 0 || numberOf(m.load(COMPLETED)) === reported) return;
        m.store(SLOT, OFFLINE);
        m.wait(COMPLETED, m.load(COMPLETED));
      };
      expectWitness(litmus(late, shippedEnd), isMissed);
    });

    it('broken, no look whether the period has ended: it sleeps on', () => {
      const blind = (m: TracedWords): void => {
        const completed = m.load(COMPLETED);
        m.store(SLOT, OFFLINE);
        m.wait(COMPLETED, completed);
      };
      expectWitness(litmus(blind, shippedEnd), isMissed);
    });

    it('surplus, the word loaded after Waiting: before its report would do, since the wait finds it changed', () => {
      const early: Litmus = {
        ...litmus(shippedGiveWay, both(shippedEnd)),
        threads: {
          reader: (m) => {
            const completed = m.load(COMPLETED);
            const reported = report(m);
            if (m.load(WAITING) === 0 || numberOf(completed) === reported) return { reported };
            m.store(SLOT, OFFLINE);
            m.wait(COMPLETED, completed);
            return { reported };
          },
          owner: both(shippedEnd),
        },
      };
      expectNever(early, isMissed);
    });

    it('broken, notified before the word changes: it sleeps on', () => {
      const end: Step = (m) => {
        m.notify(COMPLETED);
        m.store(COMPLETED, 1);
        m.store(WAITING, 0);
      };
      expectWitness(litmus(shippedGiveWay, end), isMissed);
    });

    it('surplus, the word stored by Atomics: the notify orders what precedes it', () => {
      const end: Step = (m) => {
        m.set(COMPLETED, 1);
        m.store(WAITING, 0);
        m.notify(COMPLETED);
      };
      expectNever(litmus(shippedGiveWay, end), isMissed);
    });

    it('broken, Waiting cleared when the next period has begun: it sleeps on after that one', () => {
      const owner: Step = (m) => {
        m.store(COMPLETED, 1);
        m.notify(COMPLETED);
        m.store(NUMBER, TWO);
        m.store(WAITING, 0);
        waitFor(m, TWO);
        m.store(COMPLETED, 2);
      };
      expectWitness(litmus(shippedGiveWay, owner), isMissed);
    });
  },
);

describeInModels('the engine’s own giving way', ({ expectNever, expectWitness }) => {
  /** Without tables, of which there are too many for brute force. */
  class Bare extends Vcpu {
    override mark(): number {
      return 0;
    }

    protected override loadRoots(): void {}
  }
  const options = { dirty: true, vcpu: Bare, giveWay: true };
  /** Of a reader that there is not. */
  const OTHER = 4096;
  const act =
    (body: (world: World, m: TracedWords) => void): Thread =>
    (m) =>
      engineThread(options, (world, words) => {
        words.mostEvents = 24;
        body(world, words);
      })(m);
  const shape = (reader: Thread, owner: Thread): Litmus => ({
    locations: { ...locationsOf(options), completed: Header.Completed, kick: Slot.Kick },
    initial: new Map([...initialWords(options), [Header.Waiting, OTHER]]),
    threads: { reader, owner },
    longestChain: 2,
  });
  const owner = act(({ periods }, m) => {
    Object.assign(periods, { hasNamed: true });
    periods.request();
    periods.poll();
    m.assume(!periods.running);
  });

  it('GP-8: the end of the period is not slept through', () => {
    const reader = act(({ vcpu }) => vcpu.quiescent());
    const outcomes = expectNever(shape(reader, owner), isMissed);
    expect(outcomes.executions).to.be.above(0);
  });

  it('broken, an owner that wakes nobody: it is', () => {
    const silent = act(({ periods }, m) => {
      periods.request();
      periods.poll();
      m.assume(!periods.running);
    });
    expectWitness(
      shape(
        act(({ vcpu }) => vcpu.quiescent()),
        silent,
      ),
      isMissed,
    );
  });
});
