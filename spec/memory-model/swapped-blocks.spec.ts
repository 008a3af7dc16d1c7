/** DM-3 under each model of memory (judges.ts): blocks that a collection swaps out, merges, puts back and recycles. */
import { expect } from 'chai';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { isLost, LAST, litmus, markPage, orders } from './collections.js';
import { describeInModels } from './judges.js';
import { DATA, FIRST, gracePeriod, LOCATIONS, mark, NUMBER, next, ROOT, report, SLOT, waitFor } from './protocols.js';

describeInModels(
  'DM-3: swapped-out blocks are the collection’s when its grace period has ended',
  ({ expectNever, expectWitness }) => {
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
  },
);
