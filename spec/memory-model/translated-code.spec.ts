/**
 * What docs/uses.md says of a vCPU that hears by guest memory of a modification of code, and then looks whether the
 * page is dirty: the guest's release and acquire order the look behind the mark, or they do not.
 */
import type { Seen } from './checker/event.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { describeInModels } from './judges.js';
import { BITS, DATA, FIRST, gracePeriod, LOCATIONS, mark, NUMBER, report, SLOT } from './protocols.js';

const [bit, code, flag] = [0, 1, 2];
const locations = { bit, code, flag };

/** A mark, a store to the page, and word of it; how the mark looks is `look`. */
const modify =
  (look: 'get' | 'load', turns: 'turned it' | 'found it turned'): Thread =>
  (m) => {
    const clear = m[look](bit) === 0;
    m.assume(clear === (turns === 'turned it'));
    if (clear) m.or(bit, 1);
    m.set(code, 1);
    m.store(flag, 1);
  };

const execute: Thread = (m) => {
  m.assume(m.load(flag) === 1);
  return { dirty: m.get(bit), code: m.get(code) };
};

const third: Thread = (m) => void m.or(bit, 1);

describeInModels('a look behind a handshake of the guest', ({ expectNever, expectWitness }) => {
  const guest = (threads: Litmus['threads']): Litmus => ({ locations, threads });
  const isClean = ({ dirty }: Seen): boolean => dirty === 0;
  const isStale = ({ code: seen }: Seen): boolean => seen !== 1;
  const turned = modify('get', 'turned it');
  const foundTurned = modify('get', 'found it turned');

  it('finds the page dirty when the mark of the one who tells turned it', () => {
    expectNever(guest({ modify: turned, execute }), isClean);
    expectNever(guest({ modify: turned, execute, third }), isClean);
  });

  it('finds it so by no promise of the language, only by processors, when that mark found it turned by a third', () => {
    expectWitness(guest({ modify: foundTurned, execute, third }), isClean, []);
    expectNever(guest({ modify: modify('load', 'found it turned'), execute, third }), isClean);
  });

  it('finds the guest’s code in any case', () => {
    for (const how of [turned, foundTurned]) expectNever(guest({ modify: how, execute, third }), isStale);
  });
});

describeInModels(
  'a page that is made clean to be translated, against a vCPU with a write-TLB',
  ({ expectNever, expectWitness }) => {
    const [FLAG, TOLD] = [16, 17];
    const NEWEST = 2;

    /** DM-7: the write-TLB's entry is filled, with a mark. */
    const fill = (m: TracedWords): void => mark(m, BITS, 1);
    const modifyLast = (m: TracedWords): void => {
      m.set(DATA, NEWEST);
      m.store(FLAG, 1);
    };

    /** The two stores in one interval, the open one or the next, or in both. */
    const writers: Readonly<Record<string, Thread>> = {
      'one entry for both stores': (m) => {
        fill(m);
        m.set(DATA, 1);
        modifyLast(m);
        report(m);
      },
      'one entry for both stores, in the next interval': (m) => {
        report(m);
        fill(m);
        m.set(DATA, 1);
        modifyLast(m);
      },
      'an entry in each of two intervals': (m) => {
        fill(m);
        m.set(DATA, 1);
        report(m);
        fill(m);
        modifyLast(m);
      },
    };

    const keptPastTheInterval: Thread = (m) => {
      fill(m);
      m.set(DATA, 1);
      report(m);
      modifyLast(m);
    };

    const clean =
      (waits: boolean): Thread =>
      (m) => {
        m.exchange(BITS, 0);
        if (waits) gracePeriod(m, FIRST);
        else m.store(NUMBER, FIRST ^ 2);
        m.store(TOLD, 1);
      };

    /** Translates when it is told that the page is clean, and executes behind the guest's handshake. */
    const translateAndExecute: Thread = (m) => {
      m.assume(m.load(TOLD) === 1);
      const translated = m.get(DATA);
      m.assume(m.load(FLAG) === 1);
      return { translated, dirty: m.get(BITS) };
    };

    const translating = (writer: Thread, waits = true) => ({
      locations: { ...LOCATIONS, flag: FLAG, told: TOLD },
      initial: new Map([
        [NUMBER, FIRST],
        [SLOT, FIRST],
        [BITS, 1],
      ]),
      threads: { writer, owner: clean(waits), translator: translateAndExecute },
    });

    const isStale = ({ translated, dirty }: Readonly<Record<string, number>>): boolean =>
      dirty === 0 && translated !== NEWEST;

    for (const [how, writer] of Object.entries(writers)) {
      it(`is dirty again, or translated as it is now: ${how}`, () => {
        expectNever(translating(writer), isStale);
      });
    }

    it('broken, the write-TLB is kept past the interval: what was translated is stale', () => {
      expectWitness(translating(keptPastTheInterval), isStale);
    });

    it('broken, the vCPUs are told that it is clean before the grace period has ended', () => {
      expectWitness(translating(writers['one entry for both stores'] as Thread, false), isStale);
    });
  },
);
