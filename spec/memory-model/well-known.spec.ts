/**
 * The language's model against litmus tests whose answers are known (those of processors: processors.spec.ts): if it
 * allowed too little or too much here, its answers about the engine's protocols would mean nothing.
 */
import { expect } from 'chai';
import { ECMASCRIPT } from './checker/ecmascript.js';
import type { Seen } from './checker/event.js';
import type { Litmus, Thread } from './checker/litmus.js';
import { Outcomes } from './checker/outcomes.js';

const x = 0;
const y = 1;

function outcomes(threads: readonly Thread[], more: Partial<Litmus> = {}): Outcomes {
  const named = Object.fromEntries(threads.map((thread, i) => [`thread${i}`, thread]));
  const found = new Outcomes({ locations: { x, y }, threads: named, ...more }, ECMASCRIPT);
  expect(found.executions, 'valid executions').to.be.above(0);
  return found;
}

function allows(found: Outcomes, wanted: Seen): boolean {
  return found.find((seen) => Object.entries(wanted).every(([name, value]) => seen[name] === value)) !== undefined;
}

describe('the memory model of the language', () => {
  it('store buffering: plain accesses may both miss the other store, atomics may not', () => {
    const storeBuffering = (write: 'set' | 'store', read: 'get' | 'load'): Outcomes =>
      outcomes([
        (m) => {
          m[write](x, 1);
          return { a: m[read](y) };
        },
        (m) => {
          m[write](y, 1);
          return { b: m[read](x) };
        },
      ]);
    const plain = storeBuffering('set', 'get');
    const atomic = storeBuffering('store', 'load');
    const atomicLoads = storeBuffering('set', 'load');
    expect(plain.all).to.have.length(4);
    expect(allows(plain, { a: 0, b: 0 })).to.equal(true);
    expect(allows(atomicLoads, { a: 0, b: 0 })).to.equal(true);
    expect(allows(atomic, { a: 0, b: 0 })).to.equal(false);
    expect(atomic.all).to.have.length(3);
  });

  it('message passing: the data may be stale behind a plain flag, and not behind an atomic one', () => {
    const behind = (setFlag: Thread, flag: (m: Parameters<Thread>[0]) => number): Outcomes =>
      outcomes([
        (m) => {
          m.set(x, 1);
          setFlag(m);
        },
        (m) => ({ flag: flag(m), data: m.get(x) }),
      ]);
    const stale = { flag: 1, data: 0 };
    expect(
      allows(
        behind(
          (m) => m.set(y, 1),
          (m) => m.get(y),
        ),
        stale,
      ),
      'plain',
    ).to.equal(true);
    expect(
      allows(
        behind(
          (m) => m.store(y, 1),
          (m) => m.get(y),
        ),
        stale,
      ),
      'read plainly',
    ).to.equal(true);
    expect(
      allows(
        behind(
          (m) => m.set(y, 1),
          (m) => m.load(y),
        ),
        stale,
      ),
      'written plainly',
    ).to.equal(true);
    const atomic = behind(
      (m) => m.store(y, 1),
      (m) => m.load(y),
    );
    expect(allows(atomic, stale), 'atomic').to.equal(false);
    expect(allows(atomic, { flag: 1, data: 1 })).to.equal(true);
  });

  it('message passing through a read-modify-write in between keeps the order', () => {
    const chain = outcomes([
      (m) => {
        m.set(x, 1);
        m.store(y, 1);
      },
      (m) => ({ old: m.or(y, 2) }),
      (m) => ({ flag: m.load(y), data: m.get(x) }),
    ]);
    expect(allows(chain, { flag: 3, data: 0 })).to.equal(false);
    expect(allows(chain, { flag: 2, data: 0 })).to.equal(true);
  });

  it('load buffering: plain loads may both see the later store, atomics may not', () => {
    const loadBuffering = (first: 'get' | 'load', second: 'set' | 'store'): Outcomes =>
      outcomes([
        (m) => {
          const a = m[first](x);
          m[second](y, 1);
          return { a };
        },
        (m) => {
          const b = m[first](y);
          m[second](x, 1);
          return { b };
        },
      ]);
    expect(allows(loadBuffering('get', 'set'), { a: 1, b: 1 })).to.equal(true);
    expect(allows(loadBuffering('load', 'store'), { a: 1, b: 1 })).to.equal(false);
  });

  it('independent reads of independent writes: two readers agree on the order of atomics alone', () => {
    const readers = (write: 'set' | 'store', read: 'get' | 'load'): boolean => {
      const found = outcomes([
        (m) => m[write](x, 1),
        (m) => m[write](y, 1),
        (m) => ({ a: m[read](x), b: m[read](y) }),
        (m) => ({ c: m[read](y), d: m[read](x) }),
      ]);
      return allows(found, { a: 1, b: 0, c: 1, d: 0 });
    };
    expect(readers('set', 'get')).to.equal(true);
    expect(readers('set', 'load')).to.equal(true);
    expect(readers('store', 'load')).to.equal(false);
  });

  it('coherence of reads: two atomic loads never see two atomic stores in the wrong order, two plain ones may', () => {
    const backwards = (write: 'set' | 'store', read: 'get' | 'load'): boolean => {
      const found = outcomes([
        (m) => {
          m[write](x, 1);
          m[write](x, 2);
        },
        (m) => ({ a: m[read](x), b: m[read](x) }),
      ]);
      return allows(found, { a: 2, b: 1 });
    };
    expect(backwards('store', 'load')).to.equal(false);
    expect(backwards('set', 'load')).to.equal(true);
    expect(backwards('store', 'get')).to.equal(true);
    expect(backwards('set', 'get')).to.equal(true);
  });

  it('a plain read never goes back behind what happens-before it', () => {
    const found = outcomes([
      (m) => {
        m.set(x, 1);
        m.set(x, 2);
        m.store(y, 1);
      },
      (m) => {
        m.assume(m.load(y) === 1);
        return { a: m.get(x) };
      },
    ]);
    expect(found.all).to.deep.equal([{ asleep: 0, a: 2 }]);
  });

  it('a thread sees its own plain stores', () => {
    const found = outcomes([
      (m) => {
        m.set(x, 1);
        return { a: m.get(x) };
      },
    ]);
    expect(found.all).to.deep.equal([{ asleep: 0, a: 1 }]);
  });

  it('mixed accesses: an atomic store is seen by a later plain read when a third location orders them', () => {
    const found = outcomes([
      (m) => {
        m.store(x, 1);
        m.store(y, 1);
      },
      (m) => ({ flag: m.load(y), data: m.get(x) }),
    ]);
    expect(allows(found, { flag: 1, data: 0 })).to.equal(false);
    expect(allows(found, { flag: 0, data: 1 })).to.equal(true);
  });

  it('store buffering beside a third store: the order of atomics says what a plain read finds in the end', () => {
    const beside = (write: 'set' | 'store', read: 'get' | 'load'): boolean => {
      const threads: Thread[] = [
        (m) => {
          m[write](x, 1);
          return { a: m[read](y) };
        },
        (m) => {
          m[write](y, 1);
          return { b: m[read](x) };
        },
        (m) => m[write](x, 5),
      ];
      const found = outcomes(threads, { afterwards: (m) => ({ left: m.get(x) }) });
      expect(allows(found, { a: 0, b: 5, left: 5 })).to.equal(true);
      // 5 was stored before 1, which was stored before y was 1, before x was read: as 1, not as 5.
      return allows(found, { a: 0, b: 5, left: 1 });
    };
    expect(beside('set', 'get')).to.equal(true);
    expect(beside('store', 'load')).to.equal(false);
  });

  it('read-modify-writes of one word are atomic: two additions add up, a load and a store do not', () => {
    const final: Thread = (m) => ({ sum: m.load(x) });
    const atomic = outcomes([(m) => void m.add(x, 1), (m) => void m.add(x, 1)], { afterwards: final });
    const separate: Thread = (m) => m.store(x, m.load(x) + 1);
    expect(atomic.all).to.deep.equal([{ asleep: 0, sum: 2 }]);
    expect(allows(outcomes([separate, separate], { afterwards: final }), { sum: 1 })).to.equal(true);
  });

  it('of two threads that set one bit, one is told that it was clear', () => {
    const found = outcomes([(m) => ({ a: m.or(x, 1) }), (m) => ({ b: m.or(x, 1) })]);
    expect(found.all).to.have.deep.members([
      { asleep: 0, a: 0, b: 1 },
      { asleep: 0, a: 1, b: 0 },
    ]);
  });

  it('of two compare-and-swaps from one value, one succeeds', () => {
    const found = outcomes([(m) => ({ a: m.compareExchange(x, 0, 1) }), (m) => ({ b: m.compareExchange(x, 0, 2) })]);
    expect(found.all).to.have.deep.members([
      { asleep: 0, a: 0, b: 1 },
      { asleep: 0, a: 2, b: 0 },
    ]);
  });

  it('a thread that waits for a word to change is woken, unless the word is changed without a notify', () => {
    const sleeps = (waker: Thread): boolean =>
      outcomes([waker, (m) => m.wait(x, 0)]).find(({ asleep }) => asleep === 1) !== undefined;
    const notifies: Thread = (m) => {
      m.store(x, 1);
      m.notify(x);
    };
    expect(sleeps(notifies)).to.equal(false);
    expect(sleeps((m) => m.store(x, 1))).to.equal(true);
    expect(
      sleeps((m) => m.notify(x)),
      'notified before it waits',
    ).to.equal(true);
  });
});
