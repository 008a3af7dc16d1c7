/**
 * DM-1, DM-2 and DM-5 under each model of memory (judges.ts). Guest RAM is stored to and copied plainly and bits are
 * tested plainly while others change them: data races, by design. What the model promises to programs without any is of
 * no use here, so all valid executions are looked at.
 */
import { expect } from 'chai';
import { JAVASCRIPTCORE_LSE, JAVASCRIPTCORE_PAIRS, SPIDERMONKEY, V8_RISC_V, X86 } from './checker/hardware/mappings.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { harvest, isLost, LAST, litmus, markPage, orders, type Step, storeLast, vcpu } from './collections.js';
import { ALL_BUT_INTERLEAVED, describeInModels, V8_ARM } from './judges.js';
import { BITS, DATA, FIRST, gracePeriod, LOCATIONS, mark, NUMBER, next, report, SLOT, waitFor } from './protocols.js';

describeInModels('DM-2: a plain store, its mark, and a collection by exchange', ({ expectNever, expectWitness }) => {
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
      expectWitness(
        litmus({ vcpu: vcpu(...steps), owner }, 1),
        isLost,
        order === 'store first' ? ALL_BUT_INTERLEAVED : undefined,
      );
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
      expectWitness(
        litmus({ vcpu: twoIntervals, owner }, 1),
        isLost,
        order === 'store first' ? ALL_BUT_INTERLEAVED : undefined,
      );
    });
  }

  it('loses no update where another vCPU made the mark, but does if its grace period waits for one of them', () => {
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
    expectWitness(pair(false), isLost, ALL_BUT_INTERLEAVED);
  });

  it('without the grace period, testing the bit by an atomic load does not help', () => {
    const markByLoad: Step = (m) => {
      if (m.load(BITS) === 0) m.or(BITS, 1);
    };
    const owner: Thread = (m) => ({ taken: m.exchange(BITS, 0), copy: m.get(DATA) });
    expectWitness(litmus({ vcpu: vcpu(storeLast, markByLoad), owner }, 1), isLost, [
      X86,
      ...V8_ARM,
      SPIDERMONKEY,
      V8_RISC_V,
    ]);
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
    expectWitness(litmus({ vcpu: reader, owner: harvest }, 1), isLost, [...V8_ARM, JAVASCRIPTCORE_PAIRS]);
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
    expectWitness(litmus({ vcpu: reader, owner }, 1), isLost, [...V8_ARM, JAVASCRIPTCORE_PAIRS, JAVASCRIPTCORE_LSE]);
  });
});

describeInModels('DM-5: stores after the report', ({ expectNever }) => {
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

describeInModels('DM-1: live words change by read-modify-write alone', ({ expectNever, expectWitness }) => {
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
