/**
 * GP-5 between engines, under each model of memory (judges.ts): a thread that claims a slot of a closed engine, against
 * whoever creates the next one in its place. One slot; what the word is in the next engine is its slot's word too. And a
 * thread that creates an engine where another has just created one: the engine of before was closed, so that its
 * `Closed` would let the place be taken.
 */
import { expect } from 'chai';
import { CREATING, Header, LEFT, MAGIC, Slot, Slots, vacantOf } from '../../lib/arena/layout.js';
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
