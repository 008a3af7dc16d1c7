/**
 * DM-8 under each model of memory: two users of one client, of which one collects, and the other has what was taken for
 * it in its pending set. Users are the owner's own affair; what vCPUs see of them is how often bits are cleared and
 * waited for.
 */
import { expect } from 'chai';
import type { Seen } from './checker/event.js';
import type { Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { LAST, litmus, orders } from './collections.js';
import { ALL_BUT_INTERLEAVED, describeInModels } from './judges.js';
import { BITS, DATA, FIRST, gracePeriod, next, report } from './protocols.js';

/** The page's last store is not in the second user's copy, and will not be collected. */
const isLostForSecond = ({ taken, copy, dirty }: Seen): boolean => !(taken === 1 && copy === LAST) && dirty === 0;

/** What is pending for the second user, and what is dirty when it collects: for that alone it waits. */
function secondCollects(m: TracedWords, pending: number, number: number, waits = true): Seen {
  const dirty = m.exchange(BITS, 0);
  if (dirty === 1 && waits) gracePeriod(m, number);
  return { taken: pending | dirty, copy: m.get(DATA) };
}

const shipped: Thread = (m) => {
  const pending = m.exchange(BITS, 0);
  gracePeriod(m, FIRST);
  return secondCollects(m, pending, next(FIRST));
};

const vcpus = Object.entries(orders).flatMap(([order, steps]) => {
  const act = (m: TracedWords): void => {
    for (const step of steps) step(m);
  };
  const open: Thread = (m) => {
    act(m);
    report(m);
    report(m);
  };
  const later: Thread = (m) => {
    report(m);
    act(m);
    report(m);
  };
  return [
    { name: `${order}, in the open interval`, vcpu: open },
    { name: `${order}, in the next interval`, vcpu: later },
  ];
});

describeInModels('DM-8: what one user collects is pending for the other', ({ expectNever, expectWitness }) => {
  for (const { name, vcpu } of vcpus) {
    it(`which loses nothing, though it waits for no period of its own where nothing else is dirty (${name})`, () => {
      for (const dirtyBefore of [0, 1]) {
        const outcomes = expectNever(litmus({ vcpu, owner: shipped }, dirtyBefore), isLostForSecond);
        expect(outcomes.find(({ taken, copy }) => taken === 1 && copy === LAST)).not.to.equal(undefined);
      }
    });
  }

  it('broken, delivered when the bits are cleared and not when the period has ended: an update is lost', () => {
    const atClear: Thread = (m) => {
      const seen = secondCollects(m, m.exchange(BITS, 0), FIRST);
      gracePeriod(m, FIRST);
      return seen;
    };
    for (const { name, vcpu } of vcpus.filter(({ name: of }) => of.endsWith('open interval'))) {
      const shownBy = name.startsWith('store first') ? ALL_BUT_INTERLEAVED : undefined;
      expectWitness(litmus({ vcpu, owner: atClear }, 1), isLostForSecond, shownBy);
    }
  });

  it('broken, no wait for what has become dirty since: an update is lost', () => {
    const owner: Thread = (m) => {
      const pending = m.exchange(BITS, 0);
      gracePeriod(m, FIRST);
      return secondCollects(m, pending, next(FIRST), false);
    };
    const { vcpu } = vcpus.find(({ name }) => name === 'mark first, in the next interval') as (typeof vcpus)[number];
    expectWitness(litmus({ vcpu, owner }, 0), isLostForSecond);
  });
});
