/** Collections of one of two users, for which the arena has no room: each time for another block that they need. */
import { expect } from 'chai';
import { engineOf } from '../../lib/dirty-memory.js';
import {
  ArenaFullError,
  type DirtyMemory,
  type HarvestResult,
  MIGRATION,
  type PageSet,
  type Tracking,
} from '../../lib/index.js';
import { Trace } from '../../lib/trace/index.js';
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
  /** The other user's harvest that has taken what was stored, if there is one. */
  readonly inFlight: Promise<HarvestResult> | undefined;
  /** The pages whose bits are live. */
  readonly live: readonly number[];
}

interface Kind {
  readonly title: string;
  readonly swaps?: boolean;
  /** Does the other user collect meanwhile? */
  readonly besides?: boolean;
  readonly collect: (ground: Ground) => Promise<PageSet>;
}

const KINDS: readonly Kind[] = [
  { title: 'a harvest', collect: async ({ user }) => (await user.harvest()).set },
  { title: 'a harvest that swaps blocks out', swaps: true, collect: async ({ user }) => (await user.harvest()).set },
  { title: 'a bounded harvest', collect: async ({ user }) => (await user.harvest({ maxPages: 100 })).set },
  { title: 'a snapshot of a range', collect: ({ user }) => user.snapshotAndClear(0, 190 * PAGE) },
  {
    title: 'a harvest that does not wait, while another one does',
    besides: true,
    collect: async ({ memory, user }) => whileOffline(memory, () => user.whileStopped.harvest().set),
  },
];

const pagesThat = (are: (page: number) => boolean): number[] => range(0, PAGES).filter(are);
const dirtyFor = (user: Tracking): number[] => pagesThat((page) => user.isDirty(page * PAGE, 1));
const RECORDED: readonly string[] = ['clear', 'deliver', 'give-back', 'number'];

function store(vcpu: Vcpu, pages: readonly number[]): void {
  for (const page of pages) vcpu.mark(page * PAGE);
}

async function setUp({ swaps, besides }: Kind): Promise<Ground> {
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
  const inFlight = besides ? other.harvest() : undefined;
  if (besides) store(vcpu, LATER);
  return { memory, vcpu, user, other, inFlight, live: besides ? LATER : STORED };
}

/**
 * Refuses the block that is the `nth` to be allocated. Those to swap do not count: without them a collection goes on.
 * @returns a function that ends this, and tells whether a block was refused
 */
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

/** @returns whether the collection was refused its `nth` block */
async function failsWithout(nth: number, kind: Kind): Promise<boolean> {
  const ground = await setUp(kind);
  const { memory, vcpu, user, other, inFlight, live } = ground;
  const owed = dirtyFor(user);
  const { arenaBytesInUse } = memory.stats();
  const trace = Trace.open(memory.handle);
  trace.take();

  const restore = refuseBlock(memory, nth);
  const collected = kind.collect(ground);
  const ended = collected.catch(() => {});
  if (inFlight === undefined) {
    expect(dirtyFor(user), 'in the step of the call').to.deep.equal(owed);
    await reportUntil(vcpu, ended);
  }
  const refused = restore();
  if (refused) {
    const kinds = trace.take().flatMap((event) => (RECORDED.includes(event.kind) ? [event.kind] : []));
    expect(kinds).to.include('give-back').and.not.to.include('deliver');
    if (!kinds.includes('clear')) expect(kinds[0], 'before the period that it waits for').to.equal('give-back');
    if (inFlight === undefined) await reportUntil(vcpu, memory.rcu.synchronize());
    expect(dirtyFor(user)).to.deep.equal(owed);
    expect(pagesThat((page) => vcpu.isDirty(page * PAGE, 1, MIGRATION))).to.deep.equal(live);
    expect(memory.stats().arenaBytesInUse).to.equal(arenaBytesInUse);
    await expectReject(() => collected, ArenaFullError);
  } else expect(pagesOf(await collected)).to.deep.equal(owed);

  const landed = inFlight === undefined ? [] : pagesOf((await reportUntil(vcpu, inFlight)).set);
  const twice = inFlight === undefined ? [] : STORED;
  expect(pagesOf((await reportUntil(vcpu, user.harvest())).set)).to.deep.equal(refused ? owed : twice);
  landed.push(...pagesOf((await reportUntil(vcpu, other.harvest())).set));
  expect(landed, "the other user's").to.have.members(inFlight === undefined ? STORED : [...STORED, ...LATER]);
  vcpu.detach();
  await memory.close();
  return refused;
}

describeEngines('what the arena has no room for keeps every page and no memory:', () => {
  for (const kind of KINDS) {
    it(kind.title, async () => {
      let nth = 0;
      while (await failsWithout(nth, kind)) nth++;
      expect(nth, 'how many blocks it needs').to.be.above(0);
    });
  }
});
