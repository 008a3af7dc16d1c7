/**
 * DM-6 under each model of memory (judges.ts): a client that is tracked from some moment on, and its first collection.
 */
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { isLost, orders } from './collections.js';
import { describeInModels } from './judges.js';
import { DATA, FIRST, LOCATIONS, mark, NUMBER, next, ROOT, report, SLOT, waitFor } from './protocols.js';

describeInModels(
  'DM-6: from the moment it is tracked on no store is missed for a client',
  ({ expectNever, expectWitness }) => {
    const MASK = 16;
    const FULL = 17;
    const BLOCK = 18;
    const UNTRACKED = 0;

    /** Marks in the block that root and mask lead to: none when the client is not tracked as far as they say. */
    const markThere = (m: TracedWords, root: number, mask: number): void => {
      if (mask === 1) mark(m, root === UNTRACKED ? FULL : BLOCK, 1);
    };
    const vcpuIn =
      (
        interval: 'old' | 'new',
        order: keyof typeof orders,
        loadMask = (m: TracedWords): number => m.load(MASK),
      ): Thread =>
      (m) => {
        if (interval === 'new') report(m);
        const root = m.load(ROOT);
        const mask = loadMask(m);
        if (order === 'mark first') markThere(m, root, mask);
        m.set(DATA, 2);
        if (order === 'store first') markThere(m, root, mask);
        report(m);
      };
    const vcpus = (['old', 'new'] as const).flatMap((interval) =>
      Object.keys(orders).map((order) => vcpuIn(interval, order)),
    );

    type Start = (m: TracedWords) => void;
    const fill: Start = (m) => m.set(BLOCK, 1);
    const publish: Start = (m) => m.store(ROOT, 1);
    const tell: Start = (m) => m.store(MASK, 1);
    const litmus = (vcpu: Thread, steps: readonly Start[], afterNumber: readonly Start[] = []): Litmus => ({
      locations: { ...LOCATIONS, 'tracked mask': MASK, 'full block': FULL, 'new block': BLOCK },
      initial: new Map([
        [NUMBER, FIRST],
        [SLOT, FIRST],
        [FULL, 1],
      ]),
      threads: {
        vcpu,
        owner: (m) => {
          for (const step of steps) step(m);
          // The first collection may begin in the same step: one grace period is the least that both wait for.
          const taken = m.exchange(BLOCK, 0);
          m.store(NUMBER, next(FIRST));
          for (const step of afterNumber) step(m);
          waitFor(m, next(FIRST));
          return { taken, copy: m.get(DATA) };
        },
      },
      afterwards: (m) => ({ dirty: m.load(BLOCK) }),
    });

    it('whichever of root and mask the interval has that was open at the beginning, or began after it', () => {
      for (const vcpu of vcpus) expectNever(litmus(vcpu, [fill, publish, tell]), isLost);
    });

    it('in whichever order owners publish the table and tell of it', () => {
      for (const vcpu of vcpus) expectNever(litmus(vcpu, [fill, tell, publish]), isLost);
    });

    it('also where the mask is stored plainly, since the number that is stored after it orders it', () => {
      const tellPlainly: Start = (m) => m.set(MASK, 1);
      for (const vcpu of vcpus) {
        expectNever(litmus(vcpu, [fill, publish, tellPlainly]), isLost);
        expectNever(litmus(vcpu, [fill, tellPlainly, publish]), isLost);
      }
    });

    it('also where the mask is loaded plainly, since the load of the number orders it', () => {
      for (const order of Object.keys(orders)) {
        for (const interval of ['old', 'new'] as const) {
          const vcpu = vcpuIn(interval, order, (m) => m.get(MASK));
          expectNever(litmus(vcpu, [fill, publish, tell]), isLost);
          expectNever(litmus(vcpu, [fill, tell, publish]), isLost);
        }
      }
    });

    it('broken, told after the number: an interval with the number marks nothing', () => {
      expectWitness(litmus(vcpuIn('new', 'store first'), [fill, publish], [tell]), isLost);
    });
  },
);
