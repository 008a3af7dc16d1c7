import { expect } from 'chai';
import { Client, type DirtyMemory, GracePeriodTimeout, UsageError } from '../../lib/index.js';
import { MigrationError } from '../../lib/migration/index.js';
import { foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
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
import { expectReject, expectThrow } from '../support/refusals.js';

const PAGES = 100;
const ALL = PAGES * PAGE;
const { Migration: MIGRATION } = Client;

/** Every way to collect the client. */
const COLLECTIONS: Record<string, (memory: DirtyMemory) => unknown> = {
  harvest: (memory) => memory.harvest(MIGRATION),
  'harvest of some pages': (memory) => memory.harvest(MIGRATION, { maxPages: 3 }),
  syncBitmap: (memory) => memory.syncBitmap([...memory.ram][0] as never),
  testAndClear: (memory) => memory.testAndClear(0, ALL, MIGRATION),
  snapshotAndClear: (memory) => memory.snapshotAndClear(0, ALL, MIGRATION),
};
const UNSYNCHRONIZED: typeof COLLECTIONS = {
  harvestUnsynchronized: (memory) => memory.harvestUnsynchronized(MIGRATION),
  syncBitmapUnsynchronized: (memory) => memory.syncBitmapUnsynchronized([...memory.ram][0] as never),
  testAndClearUnsynchronized: (memory) => memory.testAndClearUnsynchronized(0, ALL, MIGRATION),
  snapshotAndClearUnsynchronized: (memory) => memory.snapshotAndClearUnsynchronized(0, ALL, MIGRATION),
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

  const why = ['a migration collects MIGRATION alone', 'await its result, or cancel it'];

  for (const [name, collect] of Object.entries(COLLECTIONS)) {
    it(`is refused while a migration is under way, and the migration misses nothing: ${name}`, async () => {
      const outcome = await during(() => {
        sender.store(7 * PAGE + 1, 77);
        return expectReject(async () => collect(sender.memory), UsageError, name.split(' ')[0] as string, ...why);
      });
      expectArrived(sender, outcome);
    });
  }

  for (const [name, collect] of Object.entries(UNSYNCHRONIZED)) {
    it(`is refused while a migration is under way, and the migration misses nothing: ${name}`, async () => {
      const outcome = await during(() => {
        sender.store(7 * PAGE + 1, 77);
        expectThrow(() => collect(sender.memory), UsageError, name, ...why);
      });
      expectArrived(sender, outcome);
    });
  }

  it('is refused from the call of migrate on, and by then nothing has been taken from anybody', async () => {
    await sender.memory.testAndClear(0, ALL, MIGRATION);
    sender.store(5 * PAGE, 5);
    let refused: Promise<void> | undefined;
    const outcome = await attempt(sender, {
      begun: (migration) => {
        refused = expectReject(() => sender.memory.harvest(MIGRATION), UsageError, 'harvest', ...why);
        migration.cancel();
      },
    });
    await refused;
    expectStayed(sender, outcome, 'cancelled');
    const { set } = await sender.memory.harvest(MIGRATION);
    expect([...set.runs()]).to.deep.equal([{ start: 5 * PAGE, length: PAGE }]);
    set.dispose();
  });

  it('may collect other clients, track, and measure meanwhile', async () => {
    const { memory } = sender;
    const outcome = await during(async () => {
      (await memory.harvest(Client.Vga)).set.dispose();
      (await memory.harvest(Client.Code)).set.dispose();
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
      .to.contain('after other collections of MIGRATION')
      .and.contain("'stuck'");
    stuck.detach();
    expect((await harvest).added).to.equal(PAGES);
  });

  const ends: Record<string, Policy> = {
    'is cancelled': atFirst('seal', (migration) => migration.cancel()),
    'is cut': cutAt('seal'),
  };
  for (const [how, policy] of Object.entries(ends)) {
    it(`misses no page when the migration ${how}: all RAM is dirty`, async () => {
      expectStayed(sender, await attempt(sender, { policy }));
      expect(sender.memory.allDirty(0, ALL, MIGRATION)).to.equal(true);
    });
  }

  it('misses no page when the migration is refused at its end: all RAM is dirty', async () => {
    const receiver = new ReceivingMachine(PAGE);
    receiver.loadState = () => {
      throw new Error('no such device');
    };
    expectStayed(sender, await attempt(sender, { receiver }), 'destination');
    expect(sender.memory.allDirty(0, ALL, MIGRATION)).to.equal(true);
  });

  it('misses no page when nobody knows whether the machine has gone: all RAM is dirty', async () => {
    const { sent } = await attempt(sender, { policy: cutAt('commit') });
    expect(sent).to.be.instanceOf(MigrationError).and.include({ reason: 'undecided' });
    expect(sender.memory.allDirty(0, ALL, MIGRATION)).to.equal(true);
  });

  it('is not measured with the pages that the end of a migration made dirty', async () => {
    const { memory } = sender;
    let measured: ReturnType<DirtyMemory['measureDirtyRate']> | undefined;
    await attempt(sender, {
      policy: atFirst('seal', (migration) => {
        measured = memory.measureDirtyRate({ windowMs: 50 });
        migration.cancel();
      }),
    });
    expect((await measured)?.pages).to.equal(0);
    expect(memory.allDirty(0, ALL, MIGRATION)).to.equal(true);
  });

  it('may collect again once the migration has ended', async () => {
    const outcome = await attempt(sender, { policy: cutAt('data') });
    expectStayed(sender, outcome, 'link');
    for (const collect of [...Object.values(COLLECTIONS), ...Object.values(UNSYNCHRONIZED)]) {
      const taken = (await collect(sender.memory)) as { dispose?: () => void };
      taken?.dispose?.();
    }
  });

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
