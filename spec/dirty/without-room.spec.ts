/** Collections of one of two users, for which the arena has no room: each time for another block that they need. */
import { expect } from 'chai';
import { engineOf } from '../../lib/dirty-memory.js';
import { ArenaFullError, type DirtyMemory, MIGRATION, type PageSet, type Tracking } from '../../lib/index.js';
import { Trace, type TraceEvent } from '../../lib/trace/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import {
  cleanAll,
  describeEngines,
  foreignVcpu,
  PAGE,
  pagesOf,
  range,
  reportUntil,
  SWAP_ALL,
  smallEngine,
  whileOffline,
} from '../support/engines.js';
import { expectReject } from '../support/refusals.js';

const PAGES = 200;
/** What the other user has collected, and what was stored to since; both in different bitmap blocks. */
const PENDING = [5, 140];
const STORED = [6, 70];
/** What is stored to while the other user collects that. */
const LATER = [8, 131];

interface Ground {
  readonly memory: DirtyMemory;
  readonly vcpu: Vcpu;
  readonly user: Tracking;
  readonly other: Tracking;
}

interface Case {
  readonly title: string;
  readonly swaps?: boolean;
  /** Does the other user collect meanwhile? */
  readonly inFlight?: boolean;
  readonly collect: (ground: Ground) => Promise<PageSet>;
}

const harvested = async (result: Promise<{ set: PageSet }>): Promise<PageSet> => (await result).set;
const CASES: readonly Case[] = [
  { title: 'a harvest', collect: ({ user }) => harvested(user.harvest()) },
  { title: 'a harvest that swaps blocks out', swaps: true, collect: ({ user }) => harvested(user.harvest()) },
  { title: 'a bounded harvest', collect: ({ user }) => harvested(user.harvest({ maxPages: 100 })) },
  { title: 'a snapshot of a range', collect: ({ user }) => user.snapshotAndClear(0, 190 * PAGE) },
  {
    title: 'a harvest that does not wait',
    inFlight: true,
    collect: async ({ memory, user }) => whileOffline(memory, () => user.whileStopped.harvest().set),
  },
];

describeEngines('what the arena has no room for keeps every page and no memory:', () => {
  async function setUp({ swaps }: Case): Promise<Ground> {
    const memory = smallEngine({ traceEvents: 64 }, swaps ? SWAP_ALL : undefined);
    memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
    cleanAll(memory);
    const user = await memory.track(MIGRATION, { name: 'user' });
    const other = await memory.track(MIGRATION, { name: 'other' });
    for (const each of [user, other]) (await each.harvest()).set.dispose();
    const vcpu = foreignVcpu(memory);
    store(vcpu, PENDING);
    (await reportUntil(vcpu, other.harvest())).set.dispose();
    await reportUntil(vcpu, memory.rcu.synchronize());
    store(vcpu, STORED);
    return { memory, vcpu, user, other };
  }

  const store = (vcpu: Vcpu, pages: readonly number[]): void => {
    for (const page of pages) vcpu.mark(page * PAGE);
  };
  const kindsOf = (events: readonly TraceEvent[], wanted: readonly string[]): string[] =>
    events.map(({ kind }) => kind).filter((kind) => wanted.includes(kind));
  const dirtyFor = (user: Tracking): number[] => range(0, PAGES).filter((page) => user.isDirty(page * PAGE, 1));

  /** Refuses the block that is the `nth` to be allocated. @returns a function that ends this, and tells whether it did */
  function refuseBlock(memory: DirtyMemory, nth: number): () => boolean {
    const { allocator } = engineOf(memory);
    const { allocateBlock } = allocator;
    let blocks = 0;
    allocator.allocateBlock = (purpose) => {
      if (purpose !== 'swapping' && blocks++ === nth) throw new ArenaFullError(`${purpose}: injected`);
      return allocateBlock.call(allocator, purpose);
    };
    return () => {
      Reflect.deleteProperty(allocator, 'allocateBlock');
      return blocks > nth;
    };
  }

  /** @returns whether the collection lacked its `nth` block */
  async function failsWithout(nth: number, of: Case): Promise<boolean> {
    const ground = await setUp(of);
    const { memory, vcpu, user, other } = ground;
    const inFlight = of.inFlight ? other.harvest() : undefined;
    const live = of.inFlight ? LATER : STORED;
    if (of.inFlight) store(vcpu, LATER);
    const owed = dirtyFor(user);
    const { arenaBytesInUse } = memory.stats();
    const trace = Trace.open(memory.handle);
    trace.take();

    const restore = refuseBlock(memory, nth);
    const collecting = of.collect(ground);
    if (!of.inFlight) expect(dirtyFor(user), 'in the step of the call').to.deep.equal(owed);
    const set = await (of.inFlight ? collecting : reportUntil(vcpu, collecting)).catch((error) => {
      expect(error).to.be.instanceOf(ArenaFullError);
      return undefined;
    });
    const refused = restore();
    expect(set === undefined, 'is refused').to.equal(refused);
    if (refused) {
      expect(dirtyFor(user)).to.deep.equal(owed);
      const kinds = kindsOf(trace.take(), ['clear', 'deliver', 'give-back', 'number']);
      expect(kinds).to.include('give-back').and.not.to.include('deliver');
      if (!kinds.includes('clear')) expect(kinds[0], 'then the period after which they go back').to.equal('give-back');
      if (!of.inFlight) await reportUntil(vcpu, memory.rcu.synchronize());
      expect(range(0, PAGES).filter((page) => vcpu.isDirty(page * PAGE, 1, MIGRATION))).to.deep.equal(live);
      expect(memory.stats().arenaBytesInUse).to.equal(arenaBytesInUse);
    } else {
      expect(pagesOf(set as PageSet)).to.deep.equal(owed);
      set?.dispose();
    }
    const landed = inFlight === undefined ? [] : pagesOf((await reportUntil(vcpu, inFlight)).set);
    const twice = of.inFlight ? STORED : [];
    expect(pagesOf((await reportUntil(vcpu, user.harvest())).set)).to.deep.equal(refused ? owed : twice);
    landed.push(...pagesOf((await reportUntil(vcpu, other.harvest())).set));
    const stored = of.inFlight ? [...STORED, ...LATER] : STORED;
    expect(landed, 'by the other').to.have.members(stored);
    vcpu.detach();
    await memory.close();
    return refused;
  }

  for (const of of CASES) {
    it(of.title, async () => {
      let nth = 0;
      while (await failsWithout(nth, of)) nth++;
      expect(nth, 'blocks').to.be.above(0);
    });
  }
});
