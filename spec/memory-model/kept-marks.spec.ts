/**
 * DM-7 under each model of memory (judges.ts): a vCPU that marks a page once in an interval and stores to it twice,
 * against each way in which an owner takes the bit.
 */
import { expect } from 'chai';
import { LDAPR } from './checker/hardware/mappings.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { harvest, isLost, LAST, litmus, markPage, type Step, storeLast } from './collections.js';
import { describeInModels } from './judges.js';
import {
  BITS,
  DATA,
  enter,
  FIRST,
  gracePeriod,
  LOCATIONS,
  mark,
  NUMBER,
  next,
  OFFLINE,
  ROOT,
  report,
  SLOT,
  waitFor,
} from './protocols.js';

const storeFirst: Step = (m) => m.set(DATA, 1);

/** One mark, two stores. */
const orders: Readonly<Record<string, readonly Step[]>> = {
  'mark, store, store': [markPage, storeFirst, storeLast],
  'store, mark, store': [storeFirst, markPage, storeLast],
};

/** In the interval that is open at the beginning, or in the next. */
function keepingMark(steps: readonly Step[], interval: 'open' | 'next'): Thread {
  return (m) => {
    if (interval === 'next') report(m);
    for (const step of steps) step(m);
    report(m);
  };
}

const vcpus = Object.entries(orders).flatMap(([order, steps]) =>
  (['open', 'next'] as const).map((interval) => ({
    name: `${order}, in the ${interval} interval`,
    interval,
    vcpu: keepingMark(steps, interval),
  })),
);

/** The mark's interval has ended, and the vCPU stores by it once more. */
const keptPastTheInterval: Thread = (m) => {
  markPage(m);
  storeFirst(m);
  report(m);
  storeLast(m);
  report(m);
};

describeInModels('DM-7: one mark for two stores in its interval', ({ expectNever, expectWitness }) => {
  for (const { name, interval, vcpu } of vcpus) {
    it(`loses neither to a collection by exchange (${name}), whether the page was dirty or clean`, () => {
      for (const dirtyBefore of [0, 1]) {
        const outcomes = expectNever(litmus({ vcpu, owner: harvest }, dirtyBefore), isLost);
        const older = outcomes.find(({ taken, copy }) => taken === 1 && copy !== LAST);
        const why = 'a copy without the last store is of an earlier interval, and the page is dirty again';
        if (interval === 'open') expect(older, why).to.equal(undefined);
      }
    });
  }

  it('broken, the mark is kept past the interval: the second store is lost', () => {
    expectWitness(litmus({ vcpu: keptPastTheInterval, owner: harvest }, 1), isLost);
  });

  it('broken, the collection waits for no grace period: the second store is lost', () => {
    const owner: Thread = (m) => ({ taken: m.exchange(BITS, 0), copy: m.get(DATA) });
    for (const { vcpu } of vcpus) expectWitness(litmus({ vcpu, owner }, 1), isLost);
  });
});

describeInModels(
  'DM-7: against a collection that is bounded, or that is given up',
  ({ expectNever, expectWitness }) => {
    /** Another page in the same word: a bounded collection takes one of the two. */
    const OTHER = 2;

    it('one that leaves the page alone leaves it dirty', () => {
      const owner: Thread = (m) => {
        m.and(BITS, ~OTHER);
        gracePeriod(m, FIRST);
        return { taken: 0, copy: m.get(DATA) };
      };
      for (const { vcpu } of vcpus) {
        expectNever(litmus({ vcpu, owner }, 1 | OTHER), ({ dirty = 0, copy }) => copy !== LAST && (dirty & 1) === 0);
      }
    });

    it('one that takes the page and leaves the other has both stores, or leaves the page dirty', () => {
      const owner: Thread = (m) => {
        const taken = m.and(BITS, ~1) & 1;
        gracePeriod(m, FIRST);
        return { taken, copy: m.get(DATA) };
      };
      for (const { vcpu } of vcpus) {
        const lost = ({ taken, copy, dirty = 0 }: Readonly<Record<string, number>>): boolean =>
          !(taken === 1 && copy === LAST) && (dirty & 1) === 0;
        expectNever(litmus({ vcpu, owner }, 1 | OTHER), lost);
      }
    });

    const putBack =
      (after: (m: TracedWords) => void): Thread =>
      (m) => {
        const taken = m.exchange(BITS, 0);
        after(m);
        if (taken === 1) m.or(BITS, 1);
        return { taken: 0 };
      };
    it('one that is given up puts the bit back, when its period has ended or before it begins', () => {
      for (const { vcpu } of vcpus) {
        for (const dirtyBefore of [0, 1]) {
          expectNever(litmus({ vcpu, owner: putBack((m) => void gracePeriod(m, FIRST)) }, dirtyBefore), isLost);
          expectNever(litmus({ vcpu, owner: putBack(() => {}) }, dirtyBefore), isLost);
        }
      }
    });

    it('broken, one that is given up puts nothing back: both stores are lost', () => {
      const dropped: Thread = (m) => {
        m.exchange(BITS, 0);
        gracePeriod(m, FIRST);
        return { taken: 0 };
      };
      for (const { vcpu } of vcpus) expectWitness(litmus({ vcpu, owner: dropped }, 1), isLost);
    });
  },
);

describeInModels(
  'DM-7: against a measurement, and the collection that follows it',
  ({ expectNever, expectWitness }) => {
    /** A window in which the bits are borrowed, and a collection for which they are put back in mid-period. */
    const measuredAndHarvested: Thread = (m) => {
      const lent = m.exchange(BITS, 0);
      m.store(NUMBER, next(FIRST));
      if (lent === 1) m.or(BITS, 1);
      const taken = m.exchange(BITS, 0);
      waitFor(m, next(FIRST)); // for the window's period, after which that of the collection begins
      m.store(NUMBER, FIRST);
      waitFor(m, FIRST);
      return { taken, copy: m.get(DATA) };
    };

    it('loses neither store, by whatever the mark saw of the bit that was borrowed', () => {
      for (const steps of Object.values(orders)) {
        const twoReports: Thread = (m) => {
          for (const step of steps) step(m);
          report(m);
          report(m);
        };
        for (const dirtyBefore of [0, 1]) {
          expectNever(litmus({ vcpu: twoReports, owner: measuredAndHarvested }, dirtyBefore), isLost);
        }
      }
    });

    /** What the window counts, and whether the vCPU has stored in the time that counts. */
    const counted = (waits: boolean): Litmus => {
      const TIME = 16;
      const owner: Thread = (m) => {
        m.exchange(BITS, 0);
        m.store(NUMBER, next(FIRST));
        if (waits) waitFor(m, next(FIRST));
        m.store(TIME, 1);
        return {};
      };
      const vcpu: Thread = (m) => {
        markPage(m);
        const reported = report(m);
        const began = m.load(TIME);
        if (reported !== FIRST) markPage(m); // the interval has ended, so the vCPU marks anew
        storeLast(m);
        return { began };
      };
      const { locations, ...rest } = litmus({ vcpu, owner }, 1);
      return { ...rest, locations: { ...locations, time: TIME } };
    };

    it('a store in the time that counts is counted', () => {
      expectNever(counted(true), ({ began, dirty }) => began === 1 && dirty === 0);
    });

    it('broken, the time counts from the clear: a store in it by a mark from before is not counted', () => {
      expectWitness(counted(false), ({ began, dirty }) => began === 1 && dirty === 0);
    });
  },
);

describeInModels('DM-7: against a collection by swap', ({ expectNever, expectWitness }) => {
  const BLOCK = 16;
  const swap = (reader: Thread, owner: Thread, dirtyBefore: number): Litmus => ({
    locations: { ...LOCATIONS, 'old block': BLOCK, 'fresh block': BLOCK + 1 },
    initial: new Map([
      [NUMBER, FIRST],
      [SLOT, FIRST],
      [BLOCK, dirtyBefore],
    ]),
    threads: { vcpu: reader, owner },
    afterwards: (m) => ({ dirty: m.load(BLOCK + 1) }),
  });
  const harvestBySwap: Thread = (m) => {
    m.store(ROOT, 1);
    gracePeriod(m, FIRST);
    return { taken: m.get(BLOCK), copy: m.get(DATA) };
  };
  /** @param reload between the two stores the vCPU loads the roots anew, and does not mark again */
  const inBlock =
    (steps: readonly Step[], interval: 'open' | 'next', reload: boolean): Thread =>
    (m) => {
      if (interval === 'next') report(m);
      const root = interval === 'next' || reload ? m.load(ROOT) : 0;
      for (const step of steps) {
        if (step === markPage) mark(m, BLOCK + root, 1);
        else step(m);
        if (reload) m.load(ROOT);
      }
      report(m);
    };

  it('loses neither store, in whichever block the mark is, also where the roots are loaded anew in mid-interval', () => {
    for (const steps of Object.values(orders)) {
      for (const [interval, reload] of [
        ['open', false],
        ['open', true],
        ['next', false],
      ] as const) {
        for (const dirtyBefore of [0, 1]) {
          expectNever(swap(inBlock(steps, interval, reload), harvestBySwap, dirtyBefore), isLost);
        }
      }
    }
  });

  it('broken, the mark in the old block is kept past the interval: the second store is lost', () => {
    const kept: Thread = (m) => {
      mark(m, BLOCK, 1);
      storeFirst(m);
      report(m);
      storeLast(m);
      report(m);
    };
    expectWitness(swap(kept, harvestBySwap, 1), isLost);
  });

  it('a collection that is given up merges the mark back, and neither store is lost', () => {
    const givenUp: Thread = (m) => {
      m.store(ROOT, 1);
      gracePeriod(m, FIRST);
      if (m.get(BLOCK) === 1) m.or(BLOCK + 1, 1);
      return { taken: 0 };
    };
    for (const steps of Object.values(orders)) {
      for (const interval of ['open', 'next'] as const) {
        expectNever(swap(inBlock(steps, interval, false), givenUp, 0), isLost);
      }
    }
  });
});

describeInModels(
  'DM-7: over a stretch offline, and for a client that is tracked anew',
  ({ expectNever, expectWitness }) => {
    /** Comes back in the same period: its slot holds the number of before again, but the interval is another one. */
    const offlineBetween =
      (marksAgain: boolean): Thread =>
      (m) => {
        markPage(m);
        storeFirst(m);
        m.store(SLOT, OFFLINE);
        enter(m, 1);
        if (marksAgain) markPage(m);
        storeLast(m);
        report(m);
      };

    it('a mark does not hold over goOnline: with another one nothing is lost', () => {
      for (const dirtyBefore of [0, 1]) {
        expectNever(litmus({ vcpu: offlineBetween(true), owner: harvest }, dirtyBefore), isLost, [LDAPR]);
      }
    });

    it('broken, the mark is kept over goOnline: the second store is lost', () => {
      expectWitness(litmus({ vcpu: offlineBetween(false), owner: harvest }, 1), isLost);
    });

    it('broken, a collection of stopped vCPUs that is made while the reader goes on: the second store is lost', () => {
      const whileStopped =
        (waits: boolean): Thread =>
        (m) => {
          if (waits) m.assume(m.load(SLOT) === OFFLINE);
          return { taken: m.exchange(BITS, 0), copy: m.get(DATA) };
        };
      const leaves: Thread = (m) => {
        markPage(m);
        storeFirst(m);
        storeLast(m);
        m.store(SLOT, OFFLINE);
      };
      expectNever(litmus({ vcpu: leaves, owner: whileStopped(true) }, 1), isLost);
      expectWitness(litmus({ vcpu: leaves, owner: whileStopped(false) }, 1), isLost);
    });

    it('a client that is tracked from within the interval has both stores, though no mark was made for it', () => {
      const MASK = 16;
      const owner: Thread = (m) => {
        m.store(BITS, 1); // all RAM is dirty for the client
        m.store(MASK, 1);
        const taken = m.exchange(BITS, 0);
        gracePeriod(m, FIRST);
        return { taken, copy: m.get(DATA) };
      };
      const tracked = (interval: 'open' | 'next'): Litmus => {
        const vcpu: Thread = (m) => {
          if (interval === 'next') report(m);
          if (m.load(MASK) === 1) markPage(m);
          storeFirst(m);
          storeLast(m);
          report(m);
        };
        const { locations, ...rest } = litmus({ vcpu, owner }, 0);
        return { ...rest, locations: { ...locations, 'tracked mask': MASK } };
      };
      for (const interval of ['open', 'next'] as const) expectNever(tracked(interval), isLost);
    });
  },
);
