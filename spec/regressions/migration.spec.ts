import { expect } from 'chai';
import { MIGRATION, type RamBlock } from '../../lib/index.js';
import type { Migration } from '../../lib/migration/index.js';
import type { MessageType } from '../../lib/migration/wire/message.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { atFirst, attempt, expectArrived, expectStayed, type Outcome } from '../support/migration/attempt.js';
import { SendingMachine } from '../support/migration/machines.js';

describe('regressions: migrations', () => {
  let sender: SendingMachine;
  let ram: RamBlock;

  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    ram = sender.plug('ram', 100, 0);
    for (let page = 0; page < 100; page += 3) sender.store(page * PAGE, page + 1);
  });

  /** Migrates, and acts when the first message of the type comes by. */
  function acting(type: MessageType, act: (migration: Migration) => unknown): Promise<Outcome> {
    return attempt(sender, { source: { verify: true }, policy: atFirst(type, act) });
  }

  it('QEMU 49877834: a migration that begins and is cancelled while RAM is plugged and unplugged', async () => {
    for (let cycle = 0; cycle < 20; cycle++) {
      if (cycle > 0 && cycle % 2 === 0) {
        sender = new SendingMachine(smallEngine()); // the last one has gone
        sender.plug('ram', 100, 0);
      }
      const outcome = await acting('plug', async (migration) => {
        const extra = sender.plug(`extra ${cycle}`, 10 + cycle, 128 * PAGE);
        if (cycle % 2 === 0) migration.cancel();
        await sender.unplug(extra);
      });
      if (cycle % 2 === 0) expectStayed(sender, outcome, 'cancelled');
      else expectArrived(sender, outcome);
    }
  });

  describe('QEMU c7c0e724, 898ba906, ce4adc0b: RAM was resized in mid-migration', () => {
    for (const [what, pages] of [
      ['larger', 120],
      ['smaller', 20],
      ['as large as before', 100],
    ] as const) {
      it(`to be ${what}: it is other RAM from then on, and arrives as such`, async () => {
        const outcome = await acting('data', async () => {
          await sender.unplug(ram);
          const resized = sender.plug('ram', pages, 0);
          sender.contents(resized).fill(7);
        });
        expectArrived(sender, outcome);
        const told = outcome.receiver.log.filter((line) => line.includes('ram'));
        expect(told).to.deep.equal(['plug ram 100', 'unplug ram', `plug ram ${pages}`]);
      });
    }
  });

  it('QEMU be39b4cd: discarded ranges were sent: they are not, and what was written since is', async () => {
    const outcome = await acting('plug', async (migration) => {
      // Those that have gone over by then become zero there.
      const pages = await migration.skip(30 * PAGE, 60 * PAGE);
      expect(pages).to.equal(60);
      sender.contents(ram).fill(0, 30 * PAGE, 90 * PAGE);
      sender.store(45 * PAGE + 5, 5);
    });
    expectArrived(sender, outcome);
    expect(outcome.receiver.blocks.get('ram')?.bytes[45 * PAGE + 5]).to.equal(5);
  });

  it('QEMU 40c4d4a8: after a migration was cancelled the next one lost pages: it begins with all of them dirty', async () => {
    const first = await acting('seal', (migration) => migration.cancel());
    expectStayed(sender, first, 'cancelled');
    (await sender.memory.harvest(MIGRATION)).set.dispose();
    expect(sender.memory.isDirty(0, 100 * PAGE, MIGRATION), 'all was collected').to.equal(false);
    sender.store(50 * PAGE, 99);
    let begun = 0;
    const second = await attempt(sender, {
      source: { verify: true },
      begun: (migration) => {
        migration.on('progress', ({ round, remainingPages }) => {
          if (round === 1 && begun === 0) begun = remainingPages;
        });
      },
    });
    expect(expectArrived(sender, second).pagesSent).to.equal(35);
    expect(begun).to.equal(100);
  });

  it('QEMU 63b41db4, a5c90c61: the end of a migration ended the tracking of somebody else', async () => {
    const alone = new SendingMachine(smallEngine({ tracked: 0 }));
    alone.plug('ram', 10, 0);
    sender = alone;
    const other = await alone.memory.track(MIGRATION);
    expectStayed(alone, await acting('plug', (migration) => migration.cancel()), 'cancelled');
    expect(alone.memory.tracked).to.equal(MIGRATION);
    await other.stop();
    expectArrived(alone, await attempt(alone));
    await alone.memory.rcu.synchronize();
    expect(alone.memory.tracked).to.equal(0);
  });

  it('QEMU 3143577d: pages that were skipped were sent again: their bits are gone from the engine, too', async () => {
    const outcome = await acting('data', async (migration) => {
      for (let page = 60; page < 90; page++) sender.store(page * PAGE, 1);
      await migration.skip(60 * PAGE, 30 * PAGE);
      sender.contents(ram).fill(0, 60 * PAGE, 90 * PAGE);
    });
    expect(expectArrived(sender, outcome).pagesSkipped).to.equal(30);
  });

  it('QEMU 9c1f8f44, 4934a5dd: a region was missed, and a scan of nothing did not end', async () => {
    const many = new SendingMachine(smallEngine());
    for (const [first, pages] of [
      [300, 1],
      [0, 65],
      [129, 63],
      [65, 1],
      [4095, 1],
      [1000, 200],
    ] as const) {
      many.plug(`at ${first}`, pages, first * PAGE);
      many.store((first + pages - 1) * PAGE, 1 + (first % 200));
    }
    expect(expectArrived(many, await attempt(many)).pagesSent).to.equal(6);
    const none = new SendingMachine(smallEngine());
    expect(expectArrived(none, await attempt(none)).pagesSent).to.equal(0);
  });
});
