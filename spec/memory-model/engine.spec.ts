/**
 * The engine's own code under each model of memory: what the other files show of the protocols' shapes, shown of the
 * lines that ship. One vCPU and the owner, one grace period; a grace period is waited for as in the shapes
 * (protocols.ts).
 */

import { expect } from 'chai';
import { Header, Table } from '../../lib/arena/layout.js';
import { rootOf } from '../../lib/dirty/client.js';
import type { ClientBitmap } from '../../lib/dirty/client-bitmap.js';
import { Vcpu } from '../../lib/dirty/vcpu.js';
import { MIGRATION } from '../../lib/index.js';
import { FIRST_NUMBER, nextNumber } from '../../lib/rcu/sequence.js';
import { waitBlocking } from '../../lib/rcu/synchronize-blocking.js';
import type { Seen } from './checker/event.js';
import { LDAPR } from './checker/hardware/mappings.js';
import type { Litmus, Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';
import { engineThread, GUEST, initialWords, locationsOf, type World, type WorldOptions } from './engine-world.js';
import { ALL_BUT_INTERLEAVED, describeInModels } from './judges.js';

type Act = (world: World, m: TracedWords) => ReturnType<Thread>;

function litmus(options: WorldOptions, vcpu: Act, owner: Act, afterwards?: Act): Litmus {
  return {
    locations: locationsOf(options),
    initial: initialWords(options),
    threads: { vcpu: engineThread(options, vcpu), owner: engineThread(options, owner) },
    ...(afterwards === undefined ? {} : { afterwards: engineThread(options, afterwards) }),
  };
}

function gracePeriod({ periods }: World, m: TracedWords): void {
  periods.request();
  periods.poll();
  m.assume(!periods.running);
}

/** Tells what it has reported. */
class Told extends Vcpu {
  get number(): number {
    return this.reported;
  }
}

describeInModels('the engine’s own marks, reports and collections', ({ expectNever, expectWitness }) => {
  const STORED = 2;
  const store: Act = (_, m) => m.set(GUEST, STORED);
  const mark: Act = ({ vcpu }) => void vcpu.mark(0);
  const blockOf = ({ tables }: World): number => (tables.clients[rootOf(MIGRATION)] as ClientBitmap).blockAt(0);
  const take = (world: World): number => world.kernel.takeLive(blockOf(world), 0, 64, world.spare);
  const harvest: Act = (world, m) => {
    const taken = take(world);
    gracePeriod(world, m);
    return { taken, copy: m.get(GUEST) };
  };
  const dirtyAfterwards: Act = (world, m) => ({ dirty: m.load(blockOf(world)) });
  const isLost = ({ taken, copy, dirty }: Seen): boolean => !(taken === 1 && copy === STORED) && dirty === 0;
  const interval =
    (...steps: readonly Act[]): Act =>
    (world, m) => {
      for (const step of steps) step(world, m);
      world.vcpu.quiescent();
    };

  for (const [order, steps] of Object.entries({ 'store first': [store, mark], 'mark first': [mark, store] })) {
    it(`DM-2: lose no update (${order}), whether the page was dirty or clean`, () => {
      for (const dirty of [true, false]) {
        const shape = litmus({ dirty }, interval(...steps), harvest, dirtyAfterwards);
        const outcomes = expectNever(shape, isLost);
        expect(outcomes.find(({ taken }) => taken === 1)).not.to.equal(undefined);
      }
    });

    it(`broken, no grace period (${order}): an update is lost`, () => {
      const owner: Act = (world, m) => ({ taken: take(world), copy: m.get(GUEST) });
      expectWitness(
        litmus({ dirty: true }, interval(...steps), owner, dirtyAfterwards),
        isLost,
        order === 'store first' ? ALL_BUT_INTERLEAVED : undefined,
      );
    });
  }
});

/** Uses one table: for brute force a vCPU's three, each in any state, are too many. */
class OneTable extends Vcpu {
  /** Set by the base's constructor. */
  private table!: number;

  /** How many blocks the table has: none when it was freed. */
  use(): number {
    return this.words.get(this.table + Table.Length);
  }

  override mark(): number {
    return 0;
  }

  protected override loadRoots(): void {
    this.table = this.words.load(Header.Roots);
  }
}

/** Another block for each client; then the old tables are freed. */
const extend =
  (waits: boolean): Act =>
  (world, m) => {
    const release = world.tables.extend({ first: 64, end: 128 }, false, 'test');
    if (waits) gracePeriod(world, m);
    release?.();
  };
const use = ({ vcpu }: World): number => (vcpu as OneTable).use();
const reportBetweenUses: Act = (world) => {
  const before = use(world);
  world.vcpu.quiescent();
  return { before, after: use(world) };
};
const enterAndReport: Act = (world, m) => {
  m.mostEvents = 16; // two rounds of going online, since the owner advances once, and the rest
  world.vcpu.goOnline();
  return reportBetweenUses(world, m);
};
const online = { dirty: false, vcpu: OneTable };
/** Their traces are many: found once, for all models. */
const tables = {
  report: litmus(online, reportBetweenUses, extend(true)),
  enter: litmus({ ...online, offline: true }, enterAndReport, extend(true)),
  noGracePeriod: litmus(online, reportBetweenUses, extend(false)),
};

describeInModels(
  'the engine’s own tables',
  ({ expectNever, expectWitness }) => {
    const isFreed = (blocks: number | undefined): boolean => blocks !== 1 && blocks !== 2;
    const isLate = ({ before, after }: Seen): boolean => isFreed(before) || isFreed(after);

    it('GP-3: neither before a report nor after it is a freed table used, and one that is new has its contents', () => {
      const outcomes = expectNever(tables.report, isLate);
      expect(outcomes.find(({ after }) => after === 2)).not.to.equal(undefined);
    });

    it('GP-4: nor after going online', () => {
      const outcomes = expectNever(tables.enter, isLate, [LDAPR]);
      expect(outcomes.find(({ before }) => before === 1)).not.to.equal(undefined);
      expect(outcomes.find(({ before }) => before === 2)).not.to.equal(undefined);
    });

    it('broken, no grace period: a freed table is used', () => {
      expectWitness(tables.noGracePeriod, ({ before }) => isFreed(before));
    });
  },
  { large: true },
);

describeInModels('the engine’s own roots', ({ expectNever }) => {
  for (const root of [0, 1, 2]) {
    it(`GP-3: the table that root ${root} leads to has its contents`, () => {
      const owner: Act = ({ tables, spare }, m) => {
        m.set(spare + Table.Length, 2);
        (tables.clients[root] as ClientBitmap).publish(spare);
      };
      const reader: Act = ({ vcpu }, m) => {
        vcpu.goOnline();
        return { blocks: m.get((vcpu.cachedTables[root] as number) + Table.Length) };
      };
      const outcomes = expectNever(
        litmus({ dirty: false, offline: true }, reader, owner),
        ({ blocks }) => blocks === 0,
      );
      for (const length of [1, 2]) expect(outcomes.find(({ blocks }) => blocks === length)).not.to.equal(undefined);
    });
  }
});

describeInModels('the engine’s own blocking wait', ({ expectNever, expectWitness }) => {
  // One round of the wait is enough, as in wake-up.spec.ts; there is room for two. The number goes to the slot, and the
  // word is changed once: no value takes more than two writes to come about.
  const longestChain = 2;
  const options = { dirty: true, vcpu: Told };
  const owner: Act = ({ arena, periods }, m) => {
    m.mostEvents = 18;
    periods.request();
    const done = (): boolean => {
      periods.poll();
      return !periods.running;
    };
    m.assume(waitBlocking(arena.words, periods, 1_000_000, done));
  };
  const reader: Act = ({ vcpu }) => {
    vcpu.quiescent();
    return { reported: (vcpu as Told).number };
  };
  const isMissed = ({ asleep, reported }: Seen): boolean => asleep === 1 && reported === nextNumber(FIRST_NUMBER);

  it('GP-7: a report is never slept through', () => {
    const outcomes = expectNever({ ...litmus(options, reader, owner), longestChain }, isMissed, [LDAPR]);
    expect(
      outcomes.find(({ asleep }) => asleep === 1),
      'asleep as long as nothing is reported',
    ).not.to.equal(undefined);
  });

  it('broken, a report that wakes nobody: it is slept through', () => {
    class Silent extends Told {}
    Object.defineProperty(Silent.prototype, 'wakeOwner', { value: () => {} });
    const broken = litmus({ ...options, vcpu: Silent }, reader, owner);
    expectWitness({ ...broken, longestChain }, isMissed);
  });
});
