/**
 * DM-1 to DM-5 in the language's own memory model. Guest RAM is stored to and copied plainly and bits are tested plainly,
 * so each program here has data races; what is shown does not rest on their absence.
 */
import { expect } from 'chai';
import type { Seen } from './checker/event.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import {
  BITS,
  DATA,
  expectNever,
  expectWitness,
  FIRST,
  gracePeriod,
  LOCATIONS,
  mark,
  NUMBER,
  next,
  ROOT,
  report,
  SLOT,
  waitFor,
} from './protocols.js';

const LAST = 2;

/** The page's last store is neither in the copy that a collection with the page in it made, nor will it be collected. */
function isLost({ taken, copy, dirty }: Seen): boolean {
  const delivered = taken === 1 && copy === LAST;
  return !delivered && dirty === 0;
}

type Step = (m: TracedWords) => void;
const storeLast: Step = (m) => m.set(DATA, LAST);
const markPage: Step = (m) => mark(m, BITS, 1);

/** One interval, and its report. */
function vcpu(...steps: readonly Step[]): Thread {
  return (m) => {
    for (const step of steps) step(m);
    report(m);
  };
}

function litmus(threads: Litmus['threads'], dirtyBefore: number) {
  const initial = new Map([
    [NUMBER, FIRST],
    [SLOT, FIRST],
    [BITS, dirtyBefore],
  ]);
  const afterwards: Thread = (m) => ({ dirty: m.load(BITS) });
  return { locations: LOCATIONS, initial, threads, afterwards };
}

const harvest: Thread = (m) => {
  const taken = m.exchange(BITS, 0);
  gracePeriod(m, FIRST);
  return { taken, copy: m.get(DATA) };
};

const orders: Readonly<Record<string, readonly Step[]>> = {
  'store first': [storeLast, markPage],
  'mark first': [markPage, storeLast],
};

describe('DM-2: a plain store, its mark, and a collection by exchange', () => {
  for (const [order, steps] of Object.entries(orders)) {
    it(`loses no update (${order}), whether the page was dirty or clean`, () => {
      for (const dirtyBefore of [0, 1]) {
        const outcomes = expectNever(litmus({ vcpu: vcpu(...steps), owner: harvest }, dirtyBefore), isLost);
        expect(
          outcomes.find(({ taken }) => taken === 1),
          'the page is collected',
        ).not.to.equal(undefined);
        expect(
          outcomes.find(({ dirty }) => dirty === 1),
          'the page is dirty again',
        ).not.to.equal(undefined);
      }
    });

    it(`broken, no grace period (${order}): an update is lost`, () => {
      const owner: Thread = (m) => ({ taken: m.exchange(BITS, 0), copy: m.get(DATA) });
      expectWitness(litmus({ vcpu: vcpu(...steps), owner }, 1), isLost);
    });

    it(`broken, the exchange after the grace period (${order}): an update is lost`, () => {
      const owner: Thread = (m) => {
        gracePeriod(m, FIRST);
        return { taken: m.exchange(BITS, 0), copy: m.get(DATA) };
      };
      const twoIntervals: Thread = (m) => {
        report(m);
        for (const step of steps) step(m);
        report(m);
      };
      expectWitness(litmus({ vcpu: twoIntervals, owner }, 1), isLost);
    });
  }

  it('loses no update where another vCPU made the mark, and broken, does if its grace period waits for one of them', () => {
    const otherSlot = 16;
    const other: Thread = (m) => {
      m.set(DATA, LAST);
      markPage(m);
      m.store(otherSlot, m.load(NUMBER));
    };
    const owner =
      (both: boolean): Thread =>
      (m) => {
        const taken = m.exchange(BITS, 0);
        gracePeriod(m, FIRST);
        if (both) m.assume(m.load(otherSlot) === next(FIRST));
        return { taken, copy: m.get(DATA) };
      };
    const pair = (both: boolean): Litmus => {
      const { initial, ...rest } = litmus({ vcpu: vcpu(markPage), other, owner: owner(both) }, 0);
      return { ...rest, locations: { ...LOCATIONS, 'other slot': otherSlot }, initial: initial.set(otherSlot, FIRST) };
    };
    expectNever(pair(true), isLost);
    expectWitness(pair(false), isLost);
  });

  it('without the grace period, testing the bit by an atomic load does not help', () => {
    const markByLoad: Step = (m) => {
      if (m.load(BITS) === 0) m.or(BITS, 1);
    };
    const owner: Thread = (m) => ({ taken: m.exchange(BITS, 0), copy: m.get(DATA) });
    expectWitness(litmus({ vcpu: vcpu(storeLast, markByLoad), owner }, 1), isLost);
  });

  it('without the grace period, a mark that always sets the bit loses nothing, if it comes after the store', () => {
    const owner: Thread = (m) => ({ taken: m.exchange(BITS, 0), copy: m.get(DATA) });
    const markAlways: Step = (m) => void m.or(BITS, 1);
    expectNever(litmus({ vcpu: vcpu(storeLast, markAlways), owner }, 1), isLost);
    expectWitness(litmus({ vcpu: vcpu(markAlways, storeLast), owner }, 1), isLost);
  });

  it('broken, store and mark in two intervals: an update is lost', () => {
    const parted = vcpu(markPage, (m) => void report(m), storeLast);
    expectWitness(litmus({ vcpu: parted, owner: harvest }, 1), isLost);
  });

  it('broken, the report stored plainly: an update is lost', () => {
    const reader: Thread = (m) => {
      storeLast(m);
      markPage(m);
      m.set(SLOT, m.load(NUMBER));
    };
    expectWitness(litmus({ vcpu: reader, owner: harvest }, 1), isLost);
  });

  it('broken, the number stored plainly: a mark of the next interval finds the old bit, and an update is lost', () => {
    const owner: Thread = (m) => {
      const taken = m.exchange(BITS, 0);
      m.set(NUMBER, next(FIRST));
      waitFor(m, next(FIRST));
      return { taken, copy: m.get(DATA) };
    };
    const reader: Thread = (m) => {
      report(m);
      markPage(m);
      storeLast(m);
    };
    expectWitness(litmus({ vcpu: reader, owner }, 1), isLost);
  });
});

describe('DM-5: stores after the report', () => {
  it('are in the copy or leave their page dirty', () => {
    for (const steps of Object.values(orders)) {
      const twoIntervals: Thread = (m) => {
        m.set(DATA, 1);
        markPage(m);
        report(m);
        for (const step of steps) step(m);
        report(m);
      };
      const outcomes = expectNever(litmus({ vcpu: twoIntervals, owner: harvest }, 1), isLost);
      expect(
        outcomes.find(({ copy }) => copy === 1),
        'a copy without the second store',
      ).not.to.equal(undefined);
      expect(
        outcomes.find(({ copy }) => copy === 0),
        'a copy without the first store, or none of them',
      ).to.equal(undefined);
    }
  });
});

describe('DM-1: live words change by read-modify-write alone', () => {
  const bit =
    (mask: number, step: (m: TracedWords, mask: number) => void): Thread =>
    (m) =>
      step(m, mask);
  const twoMarkers = (step: (m: TracedWords, mask: number) => void): Litmus =>
    litmus({ one: bit(1, step), two: bit(2, step) }, 0);

  it('two marks in one word are both kept', () => {
    expectNever(
      twoMarkers((m, mask) => mark(m, BITS, mask)),
      ({ dirty }) => dirty !== 3,
    );
  });

  it('broken, load and store in place of or: a mark is lost', () => {
    const loadAndStore = (m: TracedWords, mask: number): void => {
      if ((m.get(BITS) & mask) === 0) m.store(BITS, m.load(BITS) | mask);
    };
    expectWitness(twoMarkers(loadAndStore), ({ dirty }) => dirty !== 3);
  });

  it('broken, load and store in place of exchange: a mark is lost', () => {
    const owner: Thread = (m) => {
      const taken = m.load(BITS);
      m.store(BITS, 0);
      gracePeriod(m, FIRST);
      return { taken, copy: m.get(DATA) };
    };
    expectNever(litmus({ vcpu: vcpu(storeLast, markPage), owner: harvest }, 0), isLost);
    expectWitness(litmus({ vcpu: vcpu(storeLast, markPage), owner }, 0), isLost);
  });

  it('of two threads that mark a page, one is told that it turned', () => {
    const teller =
      (name: string): Thread =>
      (m) => ({
        [name]: (m.get(BITS) & 1) === 0 && (m.or(BITS, 1) & 1) === 0 ? 1 : 0,
      });
    const told = litmus({ one: teller('one'), two: teller('two') }, 0);
    expectNever(told, ({ one = 0, two = 0 }) => one + two !== 1);
  });
});

describe('DM-3: swapped-out blocks are the collection’s when its grace period has ended', () => {
  const BLOCK = 16;
  const locations = { ...LOCATIONS, 'old block': BLOCK, 'fresh block': BLOCK + 1 };
  const swap = (reader: Thread, owner: Thread, dirtyBefore: number): Litmus => ({
    ...litmus({ vcpu: reader, owner }, 0),
    locations,
    initial: new Map([
      [NUMBER, FIRST],
      [SLOT, FIRST],
      [BLOCK, dirtyBefore],
    ]),
    afterwards: (m) => ({ dirty: m.load(BLOCK + 1), late: m.load(BLOCK) }),
  });
  /** Each in the first interval, with the old root, or in the next, with the root of the moment. */
  const readers = Object.values(orders).flatMap((steps): Thread[] => {
    const inBlock = (m: TracedWords, root: number): void => {
      for (const step of steps) {
        if (step === markPage) mark(m, BLOCK + root, 1);
        else step(m);
      }
    };
    const first: Thread = (m) => {
      inBlock(m, 0);
      report(m);
    };
    const second: Thread = (m) => {
      report(m);
      inBlock(m, m.load(ROOT));
    };
    return [first, second];
  });
  const harvestBySwap: Thread = (m) => {
    m.store(ROOT, 1);
    gracePeriod(m, FIRST);
    return { taken: m.get(BLOCK), copy: m.get(DATA) };
  };

  it('a harvest by swap loses no update, in whichever block its mark is', () => {
    for (const dirtyBefore of [0, 1]) {
      const all = readers.map((reader) => expectNever(swap(reader, harvestBySwap, dirtyBefore), isLost));
      expect(all.some((outcomes) => outcomes.find(({ taken, copy }) => taken === 1 && copy === LAST))).to.equal(true);
      expect(all.some((outcomes) => outcomes.find(({ dirty }) => dirty === 1))).to.equal(true);
    }
  });

  it('broken, merged and copied before the grace period has ended: an update is lost', () => {
    const owner: Thread = (m) => {
      m.store(ROOT, 1);
      const result = { taken: m.get(BLOCK), copy: m.get(DATA) };
      gracePeriod(m, FIRST);
      return result;
    };
    for (const reader of [readers[0], readers[2]] as Thread[]) expectWitness(swap(reader, owner, 1), isLost);
  });

  it('broken, a collection that is given up merges back at once: a late mark in the old block is lost', () => {
    const giveUp =
      (atOnce: boolean): Thread =>
      (m) => {
        m.store(ROOT, 1);
        m.store(NUMBER, next(FIRST));
        if (!atOnce) waitFor(m, next(FIRST));
        if (m.get(BLOCK) === 1) m.or(BLOCK + 1, 1);
        return { taken: 0 };
      };
    for (const reader of readers) expectNever(swap(reader, giveUp(false), 0), isLost);
    expectWitness(swap(readers[0] as Thread, giveUp(true), 0), isLost);
  });

  it('broken, the old block is used again before the grace period has ended: a late mark is in its next use', () => {
    const recycle =
      (waits: boolean): Thread =>
      (m) => {
        m.store(ROOT, 1);
        m.store(NUMBER, next(FIRST));
        if (waits) waitFor(m, next(FIRST));
        m.set(BLOCK, 0);
        return {};
      };
    for (const reader of readers) expectNever(swap(reader, recycle(true), 0), ({ late }) => late !== 0);
    expectWitness(swap(readers[0] as Thread, recycle(false), 0), ({ late }) => late !== 0);
  });
});

describe('DM-4: RAM is announced when it is all dirty', () => {
  const ANNOUNCED = 16;
  const LAST_PAGE = 17;
  const BLOCK = 18;
  const plug = (...steps: readonly Step[]): Litmus => ({
    locations: { ...LOCATIONS, announced: ANNOUNCED, 'last page': LAST_PAGE, 'new block': BLOCK },
    threads: {
      owner: (m) => {
        for (const step of steps) step(m);
      },
      vcpu: (m) => {
        m.assume(m.load(ANNOUNCED) === 1);
        return { root: m.load(ROOT), end: m.load(LAST_PAGE), bits: m.get(BLOCK) };
      },
    },
  });
  const fill: Step = (m) => m.set(BLOCK, 1);
  const publish: Step = (m) => m.store(ROOT, 1);
  const extend: Step = (m) => m.store(LAST_PAGE, 1);
  const announce: Step = (m) => m.store(ANNOUNCED, 1);
  const isIncomplete = ({ root, end, bits }: Seen): boolean => root !== 1 || end !== 1 || bits !== 1;

  it('a vCPU that hears of it from another reloads a root and an end that have it, and finds its pages dirty', () => {
    expectNever(plug(fill, publish, extend, announce), isIncomplete);
  });

  it('broken, announced before the end is stored: a mark to RAM that exists is refused', () => {
    expectWitness(plug(fill, publish, announce, extend), ({ end }) => end !== 1);
  });

  it('broken, filled after it is published: its pages are clean', () => {
    expectWitness(plug(publish, extend, announce, fill), ({ bits }) => bits !== 1);
  });

  it('broken, announced by a plain store: the root is old', () => {
    expectWitness(
      plug(fill, publish, extend, (m) => m.set(ANNOUNCED, 1)),
      ({ root }) => root !== 1,
    );
  });
});
