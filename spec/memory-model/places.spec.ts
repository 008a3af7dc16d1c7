/**
 * GP-5 between engines, under each model of memory (judges.ts): a thread that claims a slot of a closed engine, against
 * whoever creates the next one in its place. One slot; what the word is in the next engine is its slot's word too. And a
 * thread that creates an engine where another has just created one: the engine of before was closed, so that its
 * `Closed` would let the place be taken.
 */
import { expect } from 'chai';
import { CLOSED, CREATING, Header, LEFT, LINE, MAGIC, Slot, Slots, vacantOf } from '../../lib/arena/layout.js';
import { checksumOf, settleCreation, takePlace } from '../../lib/arena/place.js';
import { Words } from '../../lib/arena/words.js';
import { UsageError } from '../../lib/index.js';
import { isInPlace, retireIdentity, retireSlot } from '../../lib/rcu/registry.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { engineThread, initialWords, type World } from './engine-world.js';
import { describeInModels, V8_ARM, WEAK } from './judges.js';

const IDENTITY = Slots.first + Slot.Identity;
/** What the last tenant of the old engine has stored before it left, and what a tenant stores. */
const STATE = Slots.first + Slot.State;
const [OLD, NEXT, NONE] = [vacantOf(5), vacantOf(6), 0];
const LATE = 7;
const TENANT = 8;

const claim = (m: TracedWords, expected: number): boolean => m.compareExchange(IDENTITY, expected, LATE) === expected;

/** As arena/place.ts and arena/arena.ts do it. */
const create = (m: TracedWords): boolean => {
  if (m.compareExchange(IDENTITY, OLD, NONE) !== OLD) return false;
  m.set(STATE, 0);
  m.set(IDENTITY, NONE);
  m.set(Header.EngineId, -NEXT);
  m.set(IDENTITY, NEXT);
  return true;
};

function litmus(late: (m: TracedWords) => boolean, creator: (m: TracedWords) => boolean, initial = OLD): Litmus {
  const says =
    (name: string, act: (m: TracedWords) => boolean): Thread =>
    (m) => ({ [name]: act(m) ? 1 : 0 });
  return {
    locations: { identity: IDENTITY, state: STATE },
    initial: new Map([[IDENTITY, initial]]),
    threads: { late: says('claimed', late), creator: says('created', creator) },
    afterwards: (m) => ({ identity: m.load(IDENTITY), state: m.load(STATE) }),
  };
}

describeInModels(
  'GP-5: a late claim, and the creation of the next engine in the place',
  ({ expectNever, expectWitness }) => {
    const lateThread = (m: TracedWords): boolean => claim(m, OLD);

    it('never both succeed, and a claim that fails leaves the next engine’s word as it is', () => {
      expectNever(litmus(lateThread, create), ({ claimed, created, identity }) => {
        return claimed === created || identity !== (created === 1 ? NEXT : LATE);
      });
    });

    it('a tenant that leaves has made all its stores before those of creation', () => {
      const leave = (m: TracedWords): boolean => {
        m.store(STATE, 3);
        m.store(IDENTITY, OLD);
        return true;
      };
      expectNever(litmus(leave, create, TENANT), ({ created, state }) => created === 1 && state !== 0);
    });

    it('broken, one vacant value for all engines: the claim lands in the next engine', () => {
      const sameValue = (m: TracedWords): boolean => {
        if (m.compareExchange(IDENTITY, OLD, NONE) !== OLD) return false;
        m.set(IDENTITY, OLD);
        return true;
      };
      expectWitness(litmus(lateThread, sameValue), ({ claimed, created }) => claimed === 1 && created === 1);
    });

    it('broken, creation looks at the slot and does not swap it: a reader of the old engine is in the next one', () => {
      const looks = (m: TracedWords): boolean => {
        if (m.load(IDENTITY) !== OLD) return false;
        m.set(IDENTITY, NEXT);
        return true;
      };
      expectWitness(litmus(lateThread, looks), ({ claimed, created }) => claimed === 1 && created === 1);
    });

    it('broken, the slot is freed by a plain store: the tenant’s last store lands in the next engine', () => {
      const leave = (m: TracedWords): boolean => {
        m.store(STATE, 3);
        m.set(IDENTITY, OLD);
        return true;
      };
      expectWitness(litmus(leave, create, TENANT), ({ created, state }) => created === 1 && state !== 0, V8_ARM);
    });
  },
);

describeInModels('GP-5: an owner that retires a reader when its engine is gone', ({ expectNever, expectWitness }) => {
  const OPTIONS = { dirty: false };

  /** The engine was closed, and its last tenant has left. The next one is created, and `TENANT` attaches to it. */
  const replaced = (retire: (world: World) => void): Litmus => ({
    locations: { identity: IDENTITY, state: STATE },
    initial: new Map([...initialWords(OPTIONS), [Header.EngineId, -OLD], [Header.Magic, CREATING], [IDENTITY, NONE]]),
    threads: {
      creator: (m) => {
        m.set(Header.EngineId, -NEXT);
        m.set(IDENTITY, NEXT);
        m.store(Header.Magic, MAGIC);
      },
      tenant: (m) => {
        m.assume(m.load(Header.Magic) === MAGIC);
        m.compareExchange(IDENTITY, NEXT, TENANT);
        m.store(STATE, 3);
      },
      owner: engineThread(OPTIONS, (world) => {
        Object.assign(world.arena, { engineId: -OLD });
        retire(world);
      }),
    },
    afterwards: (m) => ({ state: m.load(STATE) }),
  });

  it('retires none of the next engine', () => {
    expectNever(
      replaced(({ arena }) => retireIdentity(arena, TENANT - 1)),
      ({ state }) => state !== 3,
    );
  });

  // Creation stores to the slot plainly, and the language lets even an atomic load see a plain store that comes later.
  it('frees no slot, on any processor, that another thread has taken for the next engine', () => {
    const creates = (m: TracedWords): void => {
      m.assume(m.compareExchange(Header.Magic, MAGIC, CREATING) === MAGIC && create(m));
      m.store(Header.Magic, MAGIC);
    };
    const owner = engineThread(OPTIONS, ({ arena }) => {
      Object.assign(arena, { engineId: -OLD });
      return { retired: retireSlot(arena, 0) };
    });
    const litmus: Litmus = {
      locations: { identity: IDENTITY, state: STATE },
      initial: new Map([...initialWords(OPTIONS), [Header.EngineId, -OLD], [Header.Magic, MAGIC], [IDENTITY, OLD]]),
      threads: { creates, owner },
    };
    expectWitness(litmus, ({ retired }) => retired !== 0, []);
  });

  it('broken, it looks whose the place is before it looks who is there: a reader of the next engine is retired', () => {
    const broken = replaced(({ arena }) => {
      if (!isInPlace(arena) || arena.words.load(IDENTITY) !== TENANT) return;
      arena.words.store(STATE, 0);
    });
    expectWitness(broken, ({ state }) => state === 0);
  });
});

describeInModels('GP-5: two that create, one after the other', ({ expectNever, expectWitness }) => {
  const { Magic, Closed } = Header;

  /** The second as arena/place.ts does it, the first as arena/arena.ts ends by `publish`. */
  const inTurn = (publish: (m: TracedWords) => void): Litmus => ({
    locations: { magic: Magic, closed: Closed },
    initial: new Map([
      [Magic, CREATING],
      [Closed, LEFT],
    ]),
    threads: {
      first: (m) => {
        m.set(Closed, 0);
        publish(m);
        return {};
      },
      second: (m) => {
        const found = m.compareExchange(Magic, MAGIC, CREATING) === MAGIC;
        return { found: found ? 1 : 0, took: found && m.load(Closed) === LEFT ? 1 : 0 };
      },
    },
  });

  it('the second finds an engine that lives', () => {
    const outcomes = expectNever(
      inTurn((m) => m.store(Magic, MAGIC)),
      ({ took }) => took === 1,
    );
    expect(outcomes.find(({ found }) => found === 1)).not.to.equal(undefined);
  });

  it('broken, the magic is a plain store: the second takes the place of an engine that lives', () => {
    expectWitness(
      inTurn((m) => m.set(Magic, MAGIC)),
      ({ took }) => took === 1,
      WEAK,
    );
  });
});

/** The engine's own code: its words of this memory are the traced ones. */
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const ACCESSES = ['get', 'set', 'load', 'store', 'compareExchange'] as const;

function traced(m: TracedWords, body: () => void): void {
  const words: object = Words.prototype;
  const shipped = Object.fromEntries(ACCESSES.map((name) => [name, Words.prototype[name]]));
  for (const name of ACCESSES) {
    const access = function (this: Words, index: number, ...values: number[]): unknown {
      return Reflect.apply(m[name], m, [this.byteOffset / 4 + index, ...values]);
    };
    Object.assign(words, { [name]: access });
  }
  try {
    body();
  } finally {
    Object.assign(words, shipped);
  }
}

/** Takes one cache line for another engine, or is refused. */
function takes(m: TracedWords, line = 0): boolean {
  try {
    traced(m, () => takePlace('test', structuredClone(memory), line * LINE * 4, LINE * 4, 'embedder'));
    return true;
  } catch (error) {
    if (error instanceof RangeError || error instanceof UsageError) return false;
    throw error;
  }
}

/** The closed engine's. */
const { leave } = takePlace('test', memory, 0, LINE * 4, 'fresh');
const ID = 5;
const [FIRST_SLOT, SECOND_SLOT] = [IDENTITY, IDENTITY + Slots.size];
const DATA = Header.Roots + LINE;
const NAMES = { magic: Header.Magic, id: Header.EngineId, closed: Header.Closed, first: FIRST_SLOT, data: DATA };

function closedEngine(closed: number, identities: readonly number[]): Map<number, number> {
  const header = new Words(new ArrayBuffer(LINE * 4), 0);
  header.set(Header.Length, Slots.first + identities.length * Slots.size);
  header.set(Header.MaxReaders, identities.length);
  header.set(Header.EngineId, ID);
  header.set(Header.Checksum, checksumOf(header));
  header.set(Header.Magic, MAGIC);
  header.set(Header.Closed, closed);
  const words = Array.from({ length: LINE }, (_, i): [number, number] => [i, header.get(i)]);
  return new Map([...words, ...identities.map((id, i): [number, number] => [IDENTITY + i * Slots.size, id])]);
}

describeInModels('GP-5: the place of a closed engine', ({ expectNever }) => {
  const asked = (threads: Litmus['threads'], closed: number, ...identities: number[]): Litmus => ({
    locations: NAMES,
    initial: closedEngine(closed, identities),
    threads,
    afterwards: (m) => ({ id: m.load(Header.EngineId), first: m.load(FIRST_SLOT), data: m.load(DATA) }),
  });
  const takesThen =
    (location: number, value: number): Thread =>
    (m) => {
      const taken = takes(m);
      if (taken) m.set(location, value);
      return { taken: Number(taken) };
    };

  it('is taken by one thread', () => {
    const one: Thread = (m) => ({ one: Number(takes(m)) });
    const two: Thread = (m) => ({ two: Number(takes(m)) });
    expectNever(asked({ one, two }, LEFT, vacantOf(ID)), (seen) => seen.one === 1 && seen.two === 1);
  });

  it('is taken after everything that its owner has stored', () => {
    const owner: Thread = (m) => {
      m.set(DATA, 1);
      traced(m, leave);
    };
    const litmus = asked({ owner, next: takesThen(DATA, 2) }, CLOSED, vacantOf(ID));
    expectNever(litmus, ({ taken, data }) => taken === 1 && data !== 2);
  });

  it('is as it was before it can be taken again, when a thread gives it back', () => {
    const refused: Thread = (m) => void takes(m);
    const tenant: Thread = (m) => {
      m.store(SECOND_SLOT, vacantOf(ID));
      return takesThen(FIRST_SLOT, NEXT)(m);
    };
    const litmus = asked({ refused, tenant }, LEFT, vacantOf(ID), TENANT);
    expectNever(litmus, ({ taken, first }) => taken === 1 && first !== NEXT);
  });

  it('is taken after everything that was stored by a thread that died while it took the place', () => {
    const ended = DATA + LINE;
    const dead: Thread = (m) => {
      m.set(DATA, 1);
      m.store(ended, 1);
    };
    const reclaimer: Thread = (m) => {
      m.assume(m.load(ended) === 1);
      traced(m, () => settleCreation(memory, 0));
    };
    const litmus = asked({ dead, reclaimer, next: takesThen(DATA, 2) }, LEFT, vacantOf(ID));
    const initial = new Map([...closedEngine(LEFT, [vacantOf(ID)]), [Header.Magic, CREATING], [Header.EngineId, 0]]);
    expectNever({ ...litmus, initial }, ({ taken, data }) => taken === 1 && data !== 2);
  });

  it('is no more written to when another engine takes it, by the one that takes the bytes behind its first line', () => {
    const behind: Thread = (m) => void takes(m, 1);
    const litmus = asked({ behind, next: takesThen(Header.EngineId, ID + 1) }, LEFT, vacantOf(ID));
    expectNever(litmus, ({ taken, id }) => taken === 1 && id !== ID + 1);
  });
});
