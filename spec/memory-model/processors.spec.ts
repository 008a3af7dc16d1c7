/**
 * The models of processors and of what engines generate for them, against the classic litmus tests of the literature
 * (Alglave, Maranget and Tautschnig, "Herding cats", 2014; Pulte et al., 2018; the RISC-V manual) and the answers known
 * there. A model that allowed too much or too little here would mean nothing about the engine's protocols.
 */
import { expect } from 'chai';
import type { Seen } from './checker/event.js';
import { hardwareModel } from './checker/hardware/hardware-model.js';
import * as mappings from './checker/hardware/mappings.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { Model } from './checker/model.js';
import { Outcomes } from './checker/outcomes.js';
import type { TracedWords } from './checker/traced-words.js';

/** A letter for each mapping: a row of the table names those that allow the outcome. */
const LETTERS = {
  S: mappings.INTERLEAVED,
  X: mappings.X86,
  P: mappings.V8_PAIRS,
  L: mappings.V8_LSE,
  M: mappings.SPIDERMONKEY,
  J: mappings.JAVASCRIPTCORE_PAIRS,
  K: mappings.JAVASCRIPTCORE_LSE,
  R: mappings.V8_RISC_V,
  Q: mappings.LDAPR,
};
const NONE = '';
const WEAK = 'PLMJKRQ';
const ALL_BUT_S = `X${WEAK}`;

const [x, y, z, w] = [0, 1, 2, 3];

type Write = 'set' | 'store';
type Read = 'get' | 'load';

interface Shape {
  readonly threads: readonly Thread[];
  readonly outcome: Seen;
  /** What words hold in the end, by name. */
  readonly finally?: Readonly<Record<string, number>>;
}

function allows(model: Model, { threads, outcome, finally: end = {} }: Shape): boolean {
  const ends = Object.entries(end);
  const litmus: Litmus = {
    locations: { x, y, z, w },
    threads: Object.fromEntries(threads.map((thread, i) => [`thread${i}`, thread])),
    ...(ends.length === 0 ? {} : { afterwards: (m: TracedWords) => ({ x: m.get(x), y: m.get(y) }) }),
  };
  const found = new Outcomes(litmus, model);
  expect(found.executions, 'executions').to.be.above(0);
  const wanted = Object.entries({ ...outcome, ...end });
  return found.find((seen) => wanted.every(([name, value]) => seen[name] === value)) !== undefined;
}

const write =
  (to: number, how: Write, value = 1) =>
  (m: TracedWords) =>
    m[how](to, value);

const storeBuffering = (first: Write | 'exchange', second: Read): Shape => ({
  threads: [
    (m) => {
      m[first](x, 1);
      return { a: m[second](y) };
    },
    (m) => {
      m[first](y, 1);
      return { b: m[second](x) };
    },
  ],
  outcome: { a: 0, b: 0 },
});

/** Each thread reads back its own store before it reads the other's. */
const forwarding: Shape = {
  threads: [
    (m) => {
      m.set(x, 1);
      return { own: m.get(x), a: m.get(y) };
    },
    (m) => {
      m.set(y, 1);
      return { other: m.get(y), b: m.get(x) };
    },
  ],
  outcome: { own: 1, other: 1, a: 0, b: 0 },
};

/** A read-modify-write of a word that nobody else looks at, between a plain store and a plain load. */
const barrierByModify: Shape = {
  threads: [
    (m) => {
      m.set(x, 1);
      m.or(z, 1);
      return { a: m.get(y) };
    },
    (m) => {
      m.set(y, 1);
      m.or(w, 1);
      return { b: m.get(x) };
    },
  ],
  outcome: { a: 0, b: 0 },
};

const messagePassing = (data: Write, flag: Write | 'exchange', look: Read, read: Read): Shape => ({
  threads: [
    (m) => {
      m[data](x, 1);
      m[flag](y, 1);
    },
    (m) => ({ a: m[look](y), b: m[read](x) }),
  ],
  outcome: { a: 1, b: 0 },
});

const passingByFailedExchange: Shape = {
  threads: [
    (m) => {
      m.set(x, 1);
      m.store(y, 1);
    },
    (m) => ({ a: m.compareExchange(y, 5, 6), b: m.get(x) }),
  ],
  outcome: { a: 1, b: 0 },
};

/** The flag says where the data is. */
const passingByAddress: Shape = {
  threads: [
    (m) => {
      m.set(x, 2);
      m.set(x + 1, 1);
      m.store(z, 1);
    },
    (m) => {
      const a = m.get(z);
      return { a, b: m.get(x + a) };
    },
  ],
  outcome: { a: 1, b: 0 },
};

const passingByBranch: Shape = {
  threads: [
    (m) => {
      m.set(x, 1);
      m.store(y, 1);
    },
    (m) => (m.get(y) === 1 ? { b: m.get(x) } : {}),
  ],
  outcome: { b: 0 },
};

const loadBuffering = (first: Read, second: Write): Shape => ({
  threads: [
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
  ],
  outcome: { a: 1, b: 1 },
});

/** What is stored depends on what was loaded. */
const dependentLoadBuffering = (store: (m: TracedWords, to: number, loaded: number) => void): Shape => ({
  threads: [
    (m) => {
      const a = m.get(x);
      store(m, y, a);
      return { a };
    },
    (m) => {
      const b = m.get(y);
      store(m, x, b);
      return { b };
    },
  ],
  outcome: { a: 1, b: 1 },
});
const byData = (m: TracedWords, to: number, loaded: number): void => m.set(to, loaded === 0 ? 2 : 1);
const byBranch = (m: TracedWords, to: number, loaded: number): void => {
  if (loaded === 0) m.get(w);
  m.set(to, 1);
};
const byCondition = (m: TracedWords, to: number, loaded: number): void => {
  if (loaded === 0) m.store(to, 1);
  else m.set(to, 1);
};

const independentReads = (how: Write, read: Read): Shape => ({
  threads: [
    write(x, how),
    write(y, how),
    (m) => ({ a: m[read](x), b: m[read](y) }),
    (m) => ({ c: m[read](y), d: m[read](x) }),
  ],
  outcome: { a: 1, b: 0, c: 1, d: 0 },
});

const twoByTwo = (first: Write, second: Write): Shape => ({
  threads: [
    (m) => {
      m[first](x, 1);
      m[second](y, 2);
    },
    (m) => {
      m[first](y, 1);
      m[second](x, 2);
    },
  ],
  outcome: {},
  finally: { x: 1, y: 1 },
});

/** The shape R of "Herding cats". */
const shapeR = (read: Read): Shape => ({
  threads: [
    (m) => {
      m.set(x, 1);
      m.store(y, 1);
    },
    (m) => {
      m.store(y, 2);
      return { a: m[read](x) };
    },
  ],
  outcome: { a: 0 },
  finally: { y: 2 },
});

/** The shape S. */
const shapeS = (read: Read): Shape => ({
  threads: [
    (m) => {
      m.set(x, 2);
      m.store(y, 1);
    },
    (m) => {
      const a = m[read](y);
      m.set(x, 1);
      return { a };
    },
  ],
  outcome: { a: 1 },
  finally: { x: 2 },
});

const writeToReadCausality = (second: Write, read: Read): Shape => ({
  threads: [
    write(x, 'set'),
    (m) => {
      const a = m.get(x);
      m[second](y, 1);
      return { a };
    },
    (m) => ({ b: m[read](y), c: m.get(x) }),
  ],
  outcome: { a: 1, b: 1, c: 0 },
});

/** ISA2: three threads, each of which passes the message on. */
const passedOn: Shape = {
  threads: [
    (m) => {
      m.set(x, 1);
      m.store(y, 1);
    },
    (m) => {
      const a = m.load(y);
      m.store(z, 1);
      return { a };
    },
    (m) => ({ b: m.load(z), c: m.get(x) }),
  ],
  outcome: { a: 1, b: 1, c: 0 },
};

const readsOfOneWord: Shape = {
  threads: [write(x, 'set'), (m) => ({ a: m.get(x), b: m.get(x) })],
  outcome: { a: 1, b: 0 },
};

const storeAfterModify: Shape = {
  threads: [
    (m) => {
      m.exchange(x, 1);
      m.set(y, 1);
    },
    (m) => ({ a: m.load(y), b: m.load(x) }),
  ],
  outcome: { a: 1, b: 0 },
};

const bothToldClear: Shape = {
  threads: [(m) => ({ a: m.or(x, 1) }), (m) => ({ b: m.or(x, 1) })],
  outcome: { a: 0, b: 0 },
};

const lostAddition: Shape = {
  threads: [(m) => void m.add(x, 1), (m) => void m.add(x, 1)],
  outcome: {},
  finally: { x: 1 },
};

/** The plain store to the flag that follows the atomic one carries what that one released. */
const passingBySecondStore: Shape = {
  threads: [
    (m) => {
      m.set(x, 1);
      m.store(y, 1);
      m.set(y, 2);
    },
    (m) => ({ a: m.load(y), b: m.get(x) }),
  ],
  outcome: { a: 2, b: 0 },
};

/** An atomic load that sees what the own read-modify-write wrote is after it. */
const modifyReadBack: Shape = {
  threads: [
    (m) => {
      m.or(x, 1);
      return { own: m.load(x), a: m.get(y) };
    },
    (m) => {
      m.set(y, 1);
      m.or(z, 1);
      return { b: m.load(x) };
    },
  ],
  outcome: { own: 1, a: 0, b: 0 },
};

/** The flag is stored and loaded back before it is the address; a third thread could see it there. */
const passingByStoredAddress: Shape = {
  threads: [
    (m) => {
      m.set(x, 2);
      m.set(x + 1, 1);
      m.store(z, 1);
    },
    (m) => {
      const a = m.get(z);
      m.set(w, a);
      const stored = m.get(w);
      return { a, stored, b: m.get(x + stored) };
    },
    (m) => void m.get(w),
  ],
  outcome: { a: 1, stored: 1, b: 0 },
};

/** A store behind an access whose address was loaded: if that faulted, the store would not be. */
const storeBehindAddress: Shape = {
  threads: [
    (m) => {
      const a = m.get(x);
      m.get(z + a);
      m.set(y, 1);
      return { a };
    },
    (m) => {
      const b = m.load(y);
      m.set(x, 1);
      return { b };
    },
    (m) => {
      m.set(z, 1);
      m.set(z + 1, 1);
    },
  ],
  outcome: { a: 1, b: 1 },
};

const table: readonly [name: string, shape: Shape, allowed: string, withDependencies?: string][] = [
  ['SB, plain', storeBuffering('set', 'get'), ALL_BUT_S],
  ['SB, atomic', storeBuffering('store', 'load'), 'Q'],
  ['SB, atomic stores and plain loads', storeBuffering('store', 'get'), 'PLJKQ'],
  ['SB, plain stores and atomic loads', storeBuffering('set', 'load'), 'XPLMRQ'],
  ['SB, exchanges and plain loads', storeBuffering('exchange', 'get'), 'PLJKQ'],
  ['SB, exchanges and atomic loads', storeBuffering('exchange', 'load'), 'Q'],
  ['SB, plain, with a read-modify-write of another word between', barrierByModify, 'PJ'],
  ['SB, plain, own stores read back (n6 of x86-TSO)', forwarding, ALL_BUT_S],
  ['MP, plain', messagePassing('set', 'set', 'get', 'get'), WEAK],
  ['MP, atomic flag', messagePassing('set', 'store', 'load', 'get'), NONE],
  ['MP, flag by exchange', messagePassing('set', 'exchange', 'load', 'get'), NONE],
  ['MP, flag seen by an exchange that fails', passingByFailedExchange, NONE],
  ['MP, flag stored plainly over an atomic store', passingBySecondStore, NONE],
  ['MP, flag read plainly, stored and loaded back, which is the address', passingByStoredAddress, WEAK, NONE],
  ['MP, flag read plainly', messagePassing('set', 'store', 'get', 'get'), WEAK],
  ['MP, flag stored plainly', messagePassing('set', 'set', 'load', 'get'), WEAK],
  ['MP, flag read plainly, which is the address', passingByAddress, WEAK, NONE],
  ['MP, flag read plainly, with a branch on it', passingByBranch, WEAK],
  ['LB, plain', loadBuffering('get', 'set'), WEAK],
  ['LB, atomic loads', loadBuffering('load', 'set'), NONE],
  ['LB, atomic stores', loadBuffering('get', 'store'), NONE],
  ['LB, plain, stores of what is loaded', dependentLoadBuffering(byData), WEAK, NONE],
  ['LB, plain, stores behind a branch', dependentLoadBuffering(byCondition), WEAK, NONE],
  ['LB, a store behind an address that was loaded plainly', storeBehindAddress, WEAK, NONE],
  ['LB, plain, a load behind a branch and a store after both', dependentLoadBuffering(byBranch), WEAK, 'PLMJKRQ'],
  ['IRIW, plain', independentReads('set', 'get'), WEAK],
  ['IRIW, atomic loads', independentReads('set', 'load'), NONE],
  ['2+2W, plain', twoByTwo('set', 'set'), WEAK],
  ['2+2W, atomic second stores', twoByTwo('set', 'store'), NONE],
  ['2+2W, atomic first stores', twoByTwo('store', 'set'), 'PLQ'],
  ['R, atomic', shapeR('load'), 'Q'],
  ['R, plain load', shapeR('get'), 'PLQ'],
  ['S, atomic', shapeS('load'), NONE],
  ['S, plain load', shapeS('get'), WEAK],
  ['WRC, atomic from the second thread on', writeToReadCausality('store', 'load'), NONE],
  ['WRC, plain', writeToReadCausality('set', 'get'), WEAK],
  ['ISA2, atomic', passedOn, NONE],
  ['CoRR, plain', readsOfOneWord, NONE],
  ['an atomic load overtakes the read-modify-write that it reads back', modifyReadBack, NONE],
  ['a plain store overtakes the exchange before it', storeAfterModify, 'PLQ'],
  ['two threads are told that a bit was clear', bothToldClear, NONE],
  ['of two additions one is lost', lostAddition, NONE],
];

describe('the models of processors', () => {
  for (const [name, shape, allowed, withDependencies = allowed] of table) {
    for (const [dependencies, expected] of [
      [false, allowed],
      [true, withDependencies],
    ] as const) {
      it(`${name}${dependencies ? ', with dependencies' : ''}: ${expected === NONE ? 'forbidden' : expected}`, () => {
        const found = Object.entries(LETTERS).filter(([, mapping]) =>
          allows(hardwareModel(mapping, dependencies), shape),
        );
        expect(found.map(([letter]) => letter).join('')).to.equal(expected);
      });
    }
  }
});
