/** GP-5 under each model of memory (judges.ts): going offline, and slots that change hands. */
import { LDAPR } from './checker/hardware/mappings.js';
import type { Litmus } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { describeInModels, V8_ARM, WEAK } from './judges.js';
import { enter, FIRST, LOCATIONS, NUMBER, OFFLINE, ROOT, SLOT, TABLE } from './protocols.js';
import { CONTENT, online, POISON, replaceTable, useTable } from './tables.js';

describeInModels('GP-5: leave after the last use', ({ expectNever, expectWitness }) => {
  const isLate = ({ used }: Readonly<Record<string, number>>): boolean => used === POISON;
  const IDENTITY = 16;

  it('no table is used after it was freed', () => {
    const shipped = online((m) => {
      const used = useTable(m, 0);
      m.store(SLOT, OFFLINE);
      return { used };
    });
    expectNever(shipped, isLate);
  });

  it('broken, offline before the last use: a freed table is used', () => {
    const broken = online((m) => {
      m.store(SLOT, OFFLINE);
      return { used: useTable(m, 0) };
    });
    expectWitness(broken, isLate);
  });

  it('broken, a plain store of offline: a freed table is used', () => {
    const broken = online((m) => {
      const used = useTable(m, 0);
      m.set(SLOT, OFFLINE);
      return { used };
    });
    expectWitness(broken, isLate, WEAK);
  });

  const changesHands = (
    leave: (m: TracedWords) => void,
    claim: (m: TracedWords) => boolean = (m) => m.compareExchange(IDENTITY, 1, 2) === 1,
  ): Litmus => {
    const initial = new Map([
      [NUMBER, FIRST],
      [SLOT, FIRST],
      [TABLE, CONTENT],
      [IDENTITY, 1],
    ]);
    const first = (m: TracedWords): Record<string, number> => {
      const used = useTable(m, 0);
      leave(m);
      return { used };
    };
    const second = (m: TracedWords): Record<string, number> => {
      m.assume(claim(m));
      enter(m, 2);
      return { usedNext: useTable(m, m.load(ROOT)) };
    };
    const locations = { ...LOCATIONS, identity: IDENTITY };
    return { locations, initial, threads: { first, second, owner: replaceTable } };
  };
  const isLateForEither = (seen: Readonly<Record<string, number>>): boolean =>
    isLate(seen as never) || seen.usedNext === POISON;

  it('a slot that changes hands carries the order on, also where the owner never sees it offline', () => {
    const shipped = changesHands(
      (m) => {
        m.store(SLOT, OFFLINE);
        m.store(IDENTITY, 0);
      },
      (m) => m.compareExchange(IDENTITY, 0, 2) === 0,
    );
    expectNever(shipped, isLateForEither, [LDAPR]);
  });

  it('broken, the slot is free before it is offline: the late store hides the next tenant', () => {
    const broken = changesHands(
      (m) => {
        m.store(IDENTITY, 0);
        m.store(SLOT, OFFLINE);
      },
      (m) => m.compareExchange(IDENTITY, 0, 2) === 0,
    );
    expectWitness(broken, ({ usedNext }) => usedNext === POISON);
  });

  it('broken, the identity is read and written plainly: the owner does not happen after the last tenant', () => {
    const broken = changesHands(
      (m) => {
        m.store(SLOT, OFFLINE);
        m.set(IDENTITY, 0);
      },
      (m) => m.get(IDENTITY) === 0,
    );
    expectWitness(broken, isLate, V8_ARM);
  });
});
