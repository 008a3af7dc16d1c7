import { expect } from 'chai';
import { CODE, type DirtyMemory, GracePeriodTimeout, MIGRATION, type RamBlock, VGA } from '../../lib/index.js';
import { MigrationError } from '../../lib/migration/index.js';
import { foreignVcpu, PAGE, pagesOf, smallEngine } from '../support/engines.js';
import {
  atFirst,
  attempt,
  cutAt,
  expectArrived,
  expectStayed,
  type Outcome,
  type Policy,
} from '../support/migration/attempt.js';
import { ReceivingMachine, SendingMachine } from '../support/migration/machines.js';
import { expectThrow } from '../support/refusals.js';

const PAGES = 100;
const ALL = PAGES * PAGE;

/** Every way to collect the client. @returns the pages */
const COLLECTIONS: Record<string, (memory: DirtyMemory) => Promise<number[]>> = {
  harvest: async (memory) => pagesOf((await memory.harvest(MIGRATION)).set),
  'harvest of some pages': async (memory) => pagesOf((await memory.harvest(MIGRATION, { maxPages: 3 })).set),
  syncBitmap: async (memory) => {
    const [block] = memory.ram;
    await memory.syncBitmap(block as RamBlock);
    return pagesOf((block as RamBlock).pages);
  },
  testAndClear: async (memory) => ((await memory.testAndClear(7 * PAGE, PAGE, MIGRATION)) ? [7] : []),
  snapshotAndClear: async (memory) => pagesOf(await memory.snapshotAndClear(0, ALL, MIGRATION)),
  'whileStopped.harvest': async (memory) => pagesOf(memory.whileStopped.harvest(MIGRATION).set),
  'whileStopped.testAndClear': async (memory) => (memory.whileStopped.testAndClear(0, ALL, MIGRATION) ? [7] : []),
  'whileStopped.snapshotAndClear': async (memory) => pagesOf(memory.whileStopped.snapshotAndClear(0, ALL, MIGRATION)),
};

describe('Somebody else who collects MIGRATION', () => {
  let sender: SendingMachine;

  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', PAGES, 0);
    for (let page = 0; page < PAGES; page++) sender.store(page * PAGE, 1 + page);
  });

  /** Acts once while all RAM goes over. */
  async function during(act: () => unknown, source = {}): Promise<Outcome> {
    let acted: Promise<unknown> | undefined;
    const outcome = await attempt(sender, {
      source: { verify: true, ...source },
      policy: async ({ message }) => {
        if (message.type === 'data') acted ??= (async () => act())();
        await acted;
        return 'pass' as const;
      },
    });
    expect(acted, 'something was done').to.not.equal(undefined);
    await acted;
    return outcome;
  }

  for (const [name, collect] of Object.entries(COLLECTIONS)) {
    it(`collects beside a migration, and neither misses a page: ${name}`, async () => {
      (await sender.memory.harvest(MIGRATION)).set.dispose();
      let found: number[] = [];
      const outcome = await during(async () => {
        sender.store(7 * PAGE + 1, 77);
        found = await collect(sender.memory);
      });
      expect(found).to.deep.equal([7]);
      expectArrived(sender, outcome);
    });
  }

  it('may collect other clients, track, and measure meanwhile', async () => {
    const { memory } = sender;
    const outcome = await during(async () => {
      (await memory.harvest(VGA)).set.dispose();
      (await memory.harvest(CODE)).set.dispose();
      await memory.measureDirtyRate({ windowMs: 1 });
      await (await memory.track(MIGRATION)).stop();
    });
    expectArrived(sender, outcome);
  });

  it('keeps the pages of a collection that was under way, or queued, when the migration began', async () => {
    const { memory } = sender;
    const busy = foreignVcpu(memory, 'busy');
    const set = memory.createPageSet();
    const first = memory.harvest(MIGRATION, { into: set });
    const second = memory.snapshotAndClear(0, ALL, MIGRATION);
    const reporting = setInterval(() => busy.quiescent(), 1);
    const outcome = await attempt(sender, { source: { verify: true } });
    clearInterval(reporting);
    busy.detach();
    expect((await first).added).to.equal(PAGES);
    (await second).dispose();
    expect(expectArrived(sender, outcome).pagesSent).to.equal(PAGES);
  });

  it('holds a migration up no longer than a silent peer may, and is named', async () => {
    const { memory } = sender;
    const stuck = foreignVcpu(memory, 'stuck');
    const harvest = memory.harvest(MIGRATION);
    const outcome = await attempt(sender, { source: { stallMs: 600 } });
    const { cause } = expectStayed(sender, outcome, 'source');
    expect(cause).to.be.instanceOf(GracePeriodTimeout);
    expect((cause as Error).message)
      .to.contain('track')
      .and.contain("'stuck'");
    stuck.detach();
    expect((await harvest).added).to.equal(PAGES);
  });

  /** What it had collected stays clean, and what was stored meanwhile is dirty. */
  async function expectOwnPages(migration: () => Promise<unknown>): Promise<void> {
    (await sender.memory.harvest(MIGRATION)).set.dispose();
    sender.store(5 * PAGE, 5);
    await migration();
    expect(pagesOf((await sender.memory.harvest(MIGRATION)).set)).to.deep.equal([5]);
  }

  const ends: Record<string, Policy> = {
    'is cancelled': atFirst('seal', (migration) => migration.cancel()),
    'is cut': cutAt('seal'),
  };
  for (const [how, policy] of Object.entries(ends)) {
    it(`has the pages of its own when the migration ${how}`, () =>
      expectOwnPages(async () => expectStayed(sender, await attempt(sender, { policy }))));
  }

  it('has the pages of its own when the migration is refused at its end', () =>
    expectOwnPages(async () => {
      const receiver = new ReceivingMachine(PAGE);
      receiver.loadState = () => {
        throw new Error('no such device');
      };
      expectStayed(sender, await attempt(sender, { receiver }), 'destination');
    }));

  it('has the pages of its own when nobody knows whether the machine has gone', () =>
    expectOwnPages(async () => {
      const { sent } = await attempt(sender, { policy: cutAt('commit') });
      expect(sent).to.be.instanceOf(MigrationError).and.include({ reason: 'undecided' });
    }));

  it('is not kept out by a migration that could not begin', async () => {
    const stream = Object.assign(Object.create(null), {
      ...{ write: () => true, end: () => {}, destroy: () => {}, off: () => {} },
      on: () => {
        throw new Error('the adapter broke');
      },
      async *[Symbol.asyncIterator]() {},
    });
    const { migrate } = await import('../../lib/migration/index.js');
    expectThrow(() => migrate(sender, stream), Error, 'the adapter broke');
    (await sender.memory.harvest(MIGRATION)).set.dispose();
  });
});
