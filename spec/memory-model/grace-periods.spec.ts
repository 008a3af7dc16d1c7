/**
 * GP-1 to GP-4 and GP-6 under each model of memory (judges.ts). The tables' words are read and written plainly and are
 * poisoned when they are freed. A broken protocol races on them, and sequential consistency, which the model promises
 * to programs without data races, is not to be had for the asking: so all valid executions are looked at.
 */
import { expect } from 'chai';
import { JAVASCRIPTCORE_PAIRS, LDAPR, X86 } from './checker/hardware/mappings.js';
import type { Litmus } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { describeInModels, V8_ARM, WEAK } from './judges.js';
import { enter, FIRST, gracePeriod, NUMBER, next, OFFLINE, ROOT, report, SLOT, TABLE, waitFor } from './protocols.js';
import { CONTENT, litmus, online, POISON, replaceTable, useTable } from './tables.js';

describeInModels('GP-1: publish, then advance', ({ expectNever, expectWitness }) => {
  const reader = (m: TracedWords): Record<string, number> => {
    const number = report(m);
    const root = m.load(ROOT);
    return { number, root, used: useTable(m, root) };
  };
  const publisher = (publish: (m: TracedWords) => void) =>
    online(reader, (m) => {
      m.set(TABLE + 1, CONTENT);
      publish(m);
    });
  const isOld = ({ number, root }: Record<string, number>): boolean => number === next(FIRST) && root === 0;

  it('whoever sees the number sees the root that was published before it, and the contents of its table', () => {
    const shipped = publisher((m) => {
      m.store(ROOT, 1);
      m.store(NUMBER, next(FIRST));
    });
    const outcomes = expectNever(shipped, (seen) => isOld(seen as never) || seen.used !== CONTENT);
    expect(outcomes.find(({ root }) => root === 1)).not.to.equal(undefined);
  });

  it('broken, the number before the root: a root older than the number', () => {
    const broken = publisher((m) => {
      m.store(NUMBER, next(FIRST));
      m.store(ROOT, 1);
    });
    expectWitness(broken, (seen) => isOld(seen as never));
  });

  it('broken, a plain store of the number: a root older than the number', () => {
    const broken = publisher((m) => {
      m.store(ROOT, 1);
      m.set(NUMBER, next(FIRST));
    });
    expectWitness(broken, (seen) => isOld(seen as never), V8_ARM);
  });

  it('broken, a plain store of the root: a table without its contents', () => {
    const broken = publisher((m) => {
      m.set(ROOT, 1);
      m.store(NUMBER, next(FIRST));
    });
    expectWitness(broken, ({ used }) => used !== CONTENT, WEAK);
  });
});

describeInModels('GP-1: close, then advance for the last time', ({ expectNever, expectWitness }) => {
  /** Reads as a table without entries, and never changes. */
  const ZERO_BLOCK = 1;
  const reader = (m: TracedWords): Record<string, number> => {
    const number = report(m);
    const root = m.load(ROOT);
    return { number, root, length: useTable(m, root) };
  };
  const isOpen = ({ number, root }: Readonly<Record<string, number>>): boolean =>
    number === next(FIRST) && root !== ZERO_BLOCK;
  const isTorn = ({ root, length }: Readonly<Record<string, number>>): boolean =>
    length !== (root === ZERO_BLOCK ? 0 : CONTENT);

  for (const [how, store] of [
    ['atomically', (m: TracedWords) => m.store(ROOT, ZERO_BLOCK)],
    ['plainly, since the number that is stored after it orders it', (m: TracedWords) => m.set(ROOT, ZERO_BLOCK)],
  ] as const) {
    it(`whoever sees the last number finds no table, where the root is stored ${how}`, () => {
      const shipped = online(reader, (m) => {
        store(m);
        m.store(NUMBER, next(FIRST));
      });
      const outcomes = expectNever(shipped, (seen) => isOpen(seen as never) || isTorn(seen as never));
      expect(outcomes.find(({ number }) => number === next(FIRST))).not.to.equal(undefined);
    });
  }

  it('broken, the number before the root: a reader that has seen the last number goes on marking', () => {
    const broken = online(reader, (m) => {
      m.store(NUMBER, next(FIRST));
      m.store(ROOT, ZERO_BLOCK);
    });
    expectWitness(broken, (seen) => isOpen(seen as never));
  });
});

describeInModels('GP-2: a request that comes while a period runs takes the next', ({ expectNever, expectWitness }) => {
  const reader = (m: TracedWords): Record<string, number> => {
    report(m);
    const used = useTable(m, m.load(ROOT));
    report(m);
    return { used };
  };
  const owner =
    (periods: number) =>
    (m: TracedWords): void => {
      m.store(NUMBER, next(FIRST)); // for somebody else
      m.set(TABLE + 1, CONTENT);
      m.store(ROOT, 1);
      waitFor(m, next(FIRST));
      if (periods === 2) gracePeriod(m, next(FIRST));
      m.set(TABLE, POISON);
    };

  it('no table is used after it was freed', () => {
    const outcomes = expectNever(online(reader, owner(2)), ({ used }) => used === POISON);
    expect(outcomes.all).to.have.length(1);
  });

  it('broken, the running period is taken for its own: a freed table is used', () => {
    expectWitness(online(reader, owner(1)), ({ used }) => used === POISON);
  });
});

describeInModels('GP-3 and GP-6: report, then load the roots', ({ expectNever, expectWitness }) => {
  const isLate = (seen: Readonly<Record<string, number>>): boolean => seen.before === POISON || seen.after === POISON;

  it('no table is used after it was freed, neither in the interval that ends nor in the next', () => {
    const shipped = online((m) => {
      const before = useTable(m, 0);
      report(m);
      return { before, after: useTable(m, m.load(ROOT)) };
    });
    expectNever(shipped, isLate);
  });

  it('broken, no grace period: a freed table is used', () => {
    const reader = (m: TracedWords): Record<string, number> => ({ before: useTable(m, 0) });
    const owner = (m: TracedWords): void => {
      m.store(ROOT, 1);
      m.store(NUMBER, next(FIRST));
      m.set(TABLE, POISON);
    };
    expectWitness(online(reader, owner), isLate);
  });

  it('broken, a plain store to the slot: a freed table is used in the interval that ends', () => {
    const broken = online((m) => {
      const before = useTable(m, 0);
      m.set(SLOT, m.load(NUMBER));
      return { before };
    });
    expectWitness(broken, isLate, [...V8_ARM, JAVASCRIPTCORE_PAIRS]);
  });

  it('broken, the roots loaded before the number: a freed table is used in the next interval', () => {
    const broken = online((m) => {
      const root = m.load(ROOT);
      report(m);
      return { after: useTable(m, root) };
    });
    expectWitness(broken, isLate);
  });

  it('between number and slot the roots could be loaded as well: that they come last is surplus here', () => {
    const other = online((m) => {
      const number = m.load(NUMBER);
      const root = m.load(ROOT);
      m.store(SLOT, number);
      return { after: useTable(m, root) };
    });
    expectNever(other, isLate);
  });

  it('broken, what was loaded before the report is used after it: a freed table is used', () => {
    const broken = online((m) => {
      const root = m.load(ROOT);
      report(m);
      report(m);
      return { after: useTable(m, root) };
    });
    expectWitness(broken, isLate);
  });
});

describeInModels('GP-4: enter until the number is the one stored', ({ expectNever, expectWitness }) => {
  const offline = (reader: (m: TracedWords) => number, owner = replaceTable): Litmus =>
    litmus({ reader: (m) => ({ used: useTable(m, reader(m)) }), owner }, OFFLINE);
  const isLate = ({ used }: Readonly<Record<string, number>>): boolean => used === POISON;
  /** After a first period that nobody was online for; the numbers have wrapped then. */
  const secondPeriod = (m: TracedWords): void => {
    gracePeriod(m, FIRST);
    m.set(TABLE + 1, CONTENT);
    m.store(ROOT, 1);
    gracePeriod(m, next(FIRST));
    m.set(TABLE, POISON);
  };

  it('no table is used after it was freed', () => {
    const reader = (m: TracedWords): number => {
      enter(m, 2);
      return m.load(ROOT);
    };
    const outcomes = expectNever(offline(reader), isLate, [LDAPR]);
    expect(outcomes.executions).to.be.above(3);
    expectNever(offline(reader, secondPeriod), isLate, [LDAPR]);
  });

  it('broken, without the repetition: an old number is stored, and after the wrap taken for a report', () => {
    const reader = (m: TracedWords): number => {
      report(m);
      return m.load(ROOT);
    };
    expectNever(offline(reader), isLate, [LDAPR]);
    expectWitness(offline(reader, secondPeriod), isLate);
  });

  it('broken, a plain store to the slot: the owner misses the reader, and a freed table is used', () => {
    const reader = (m: TracedWords): number => {
      const number = m.load(NUMBER);
      m.set(SLOT, number);
      m.assume(m.load(NUMBER) === number);
      return m.load(ROOT);
    };
    expectWitness(offline(reader), isLate, [X86, ...V8_ARM]);
  });

  it('broken, the roots loaded before the slot is stored: a freed table is used', () => {
    const reader = (m: TracedWords): number => {
      const root = m.load(ROOT);
      enter(m, 2);
      return root;
    };
    expectWitness(offline(reader), isLate);
  });
});
