/**
 * GP-7 under each model of memory (judges.ts): the owner's blocking wait against a reader's report. One round of the
 * owner's loop is enough: each begins with Waiting, the word and the scan anew.
 */
import { expect } from 'chai';
import type { Seen } from './checker/event.js';
import { LDAPR, X86 } from './checker/hardware/mappings.js';
import type { Litmus } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { describeInModels, V8_ARM } from './judges.js';
import { FIRST, isQuiescent, LOCATIONS, NUMBER, next, report, SLOT } from './protocols.js';

const WAITING = 16;
const WAKE = 17;
type Step = (m: TracedWords) => void;

function litmus(wakeOwner: Step, waitBlocking: Step): Litmus {
  return {
    locations: { ...LOCATIONS, waiting: WAITING, wake: WAKE },
    initial: new Map([
      [NUMBER, FIRST],
      [SLOT, FIRST],
    ]),
    threads: {
      reader: (m) => {
        const reported = report(m);
        wakeOwner(m);
        return { reported };
      },
      owner: (m) => {
        m.store(NUMBER, next(FIRST));
        waitBlocking(m);
      },
    },
  };
}

const scan = (m: TracedWords): boolean => isQuiescent(m.load(SLOT), next(FIRST));

const shippedWake: Step = (m) => {
  if (m.load(WAITING) === 0) return;
  m.add(WAKE, 1);
  m.notify(WAKE);
};

const shippedWait: Step = (m) => {
  m.store(WAITING, 1);
  const seen = m.load(WAKE);
  if (!scan(m)) m.wait(WAKE, seen);
};

/** The owner sleeps although the number that it waits for was reported. */
function isMissed({ asleep, reported }: Seen): boolean {
  return asleep === 1 && reported === next(FIRST);
}

describeInModels('GP-7: a report is never slept through', ({ expectNever, expectWitness }) => {
  it('the owner is woken, or does not go to sleep', () => {
    const outcomes = expectNever(litmus(shippedWake, shippedWait), isMissed, [LDAPR]);
    expect(
      outcomes.find(({ asleep }) => asleep === 1),
      'asleep as long as nothing is reported',
    ).not.to.equal(undefined);
  });

  it('broken, notify without changing the word: a report is slept through', () => {
    const wake: Step = (m) => {
      if (m.load(WAITING) !== 0) m.notify(WAKE);
    };
    expectWitness(litmus(wake, shippedWait), isMissed);
  });

  it('broken, the word changed after the notify: a report is slept through', () => {
    const wake: Step = (m) => {
      if (m.load(WAITING) === 0) return;
      m.notify(WAKE);
      m.add(WAKE, 1);
    };
    expectWitness(litmus(wake, shippedWait), isMissed);
  });

  it('broken, Waiting stored after the scan: a report is slept through', () => {
    const wait: Step = (m) => {
      const seen = m.load(WAKE);
      const done = scan(m);
      m.store(WAITING, 1);
      if (!done) m.wait(WAKE, seen);
    };
    expectWitness(litmus(shippedWake, wait), isMissed);
  });

  it('broken, the word read after the scan: a report is slept through', () => {
    const wait: Step = (m) => {
      m.store(WAITING, 1);
      if (!scan(m)) m.wait(WAKE, m.load(WAKE));
    };
    expectWitness(litmus(shippedWake, wait), isMissed);
  });

  it('broken, Waiting stored plainly: a report is slept through', () => {
    const wait: Step = (m) => {
      m.set(WAITING, 1);
      const seen = m.load(WAKE);
      if (!scan(m)) m.wait(WAKE, seen);
    };
    expectWitness(litmus(shippedWake, wait), isMissed, [X86, ...V8_ARM]);
  });

  it('broken, Waiting loaded before the slot is stored: a report is slept through', () => {
    const early: Litmus = {
      ...litmus(shippedWake, shippedWait),
      threads: {
        ...litmus(shippedWake, shippedWait).threads,
        reader: (m) => {
          const waiting = m.load(WAITING);
          const reported = report(m);
          if (waiting !== 0) {
            m.add(WAKE, 1);
            m.notify(WAKE);
          }
          return { reported };
        },
      },
    };
    expectWitness(early, isMissed);
  });
});
