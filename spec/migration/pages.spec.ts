import { expect } from 'chai';
import { MIGRATION, UsageError } from '../../lib/index.js';
import { type MigrateOptions, type Migration, MigrationError } from '../../lib/migration/index.js';
import type { Message } from '../../lib/migration/wire/message.js';
import { MAX_CONTENT } from '../../lib/migration/wire/message.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { atEach, attempt, expectArrived, expectStayed, type Outcome } from '../support/migration/attempt.js';
import { SendingMachine } from '../support/migration/machines.js';
import type { Fate } from '../support/migration/relay.js';

function contentsSent({ relay }: Outcome): Extract<Message, { type: 'data' }>[] {
  return relay.passed.flatMap(({ message }) => (message.type === 'data' ? [message] : []));
}

function pagesSent(outcome: Outcome): number[] {
  return contentsSent(outcome).flatMap(({ offset, bytes }) =>
    Array.from({ length: bytes.length / PAGE }, (_, i) => offset / PAGE + i),
  );
}

/**
 * Migrates while `during` acts, which is called once in each round: when `fence`, a page that is stored to before, goes over.
 */
async function inRounds(
  sender: SendingMachine,
  fence: number,
  during: readonly ((migration: Migration) => unknown)[],
  source: MigrateOptions = {},
): Promise<Outcome> {
  let round = 0;
  sender.store(fence, 255);
  return attempt(sender, {
    source: { downtimeMs: 0, verify: true, ...source },
    policy: async ({ message }, migration): Promise<Fate> => {
      const block = sender.memory.ram.find(fence);
      if (message.type !== 'data' || message.block !== 0 || block === undefined) return 'pass';
      const covers =
        message.offset <= fence - block.offset && fence - block.offset < message.offset + message.bytes.length;
      const act = covers ? during[round] : undefined;
      if (act === undefined) return 'pass';
      round++;
      await act(migration);
      if (round < during.length) sender.store(fence, round);
      return 'pass';
    },
  });
}

describe('The pages of a migration', () => {
  let sender: SendingMachine;
  const fence = 99 * PAGE;

  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', 100);
  });

  it('cost nothing while they are all zero on both sides', async () => {
    const outcome = await attempt(sender);
    const { pagesZero, pagesSent, bytesSent } = expectArrived(sender, outcome);
    expect([pagesZero, pagesSent]).to.deep.equal([100, 0]);
    expect(outcome.relay.passed.filter(({ message }) => ['data', 'zero'].includes(message.type))).to.be.empty;
    expect(bytesSent).to.be.lessThan(1000);
  });

  it('cost one small message for a run of them that has become zero', async () => {
    for (let page = 10; page < 30; page++) sender.store(page * PAGE, page);
    const clear = () => {
      for (let page = 10; page < 30; page++) sender.store(page * PAGE, 0);
    };
    const outcome = await inRounds(sender, fence, [clear]);
    expectArrived(sender, outcome);
    const zeroes = outcome.relay.passed.flatMap(({ message }) => (message.type === 'zero' ? [message] : []));
    expect(zeroes).to.deep.equal([{ type: 'zero', block: 0, offset: 10 * PAGE, length: 20 * PAGE }]);
  });

  it('are sent with their neighbours, up to 64 KiB in a message', async () => {
    for (let page = 10; page < 50; page++) sender.store(page * PAGE, page);
    const outcome = await attempt(sender);
    expectArrived(sender, outcome);
    expect(contentsSent(outcome).map(({ offset, bytes }) => [offset / PAGE, bytes.length / PAGE])).to.deep.equal([
      [10, 16],
      [26, 16],
      [42, 8],
    ]);
  });

  describe('that are dirty but unchanged', () => {
    const again = () => {
      for (let page = 10; page < 20; page++) sender.store(page * PAGE, page);
    };

    it('are not sent again', async () => {
      again();
      const outcome = await inRounds(sender, fence, [again]);
      expect(expectArrived(sender, outcome).pagesUnchanged).to.equal(10);
      expect(pagesSent(outcome).filter((page) => page < 20)).to.have.lengthOf(10);
    });

    it('are sent when there is no cache', async () => {
      again();
      const outcome = await inRounds(sender, fence, [again], { cacheBytes: 0 });
      expect(expectArrived(sender, outcome).pagesUnchanged).to.equal(0);
      expect(pagesSent(outcome).filter((page) => page < 20)).to.have.lengthOf(20);
    });

    it('are sent when others have taken their slots', async () => {
      again();
      const outcome = await inRounds(sender, fence, [again], { cacheBytes: PAGE });
      expectArrived(sender, outcome);
      expect(pagesSent(outcome).filter((page) => page < 20)).to.have.lengthOf(20);
    });

    it('in one byte are sent', async () => {
      again();
      const outcome = await inRounds(sender, fence, [() => sender.store(15 * PAGE + 4095, 1)]);
      expectArrived(sender, outcome);
      expect(pagesSent(outcome).filter((page) => page < 20)).to.deep.equal([
        10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 15,
      ]);
    });

    it('since they were sent before they were zero are sent', async () => {
      again();
      const clear = () => {
        for (let page = 10; page < 20; page++) sender.store(page * PAGE, 0);
      };
      const outcome = await inRounds(sender, fence, [clear, again]);
      expectArrived(sender, outcome);
    });
  });

  describe('that are skipped', () => {
    const garbage = () => {
      for (let page = 10; page < 20; page++) sender.store(page * PAGE, 0xee);
    };

    it('before they are sent are not sent, and are zero on the other side', async () => {
      let skipped = 0;
      let first = true;
      garbage();
      const { relay, receiver, sent } = await attempt(sender, {
        begun: (migration) => {
          // In the turn in which copying begins nothing has been told of; the next report is of the first round.
          migration.on('progress', ({ phase, round }) => {
            if (phase !== 'copying' || round !== 1 || !first) return;
            first = false;
            migration.skip(10 * PAGE, 10 * PAGE).then((pages) => {
              skipped = pages;
            });
          });
        },
      });
      if (sent instanceof MigrationError) throw sent;
      expect(skipped).to.equal(10);
      expect(sent).to.include({ pagesSkipped: 10, verified: true });
      const bytes = receiver.blocks.get('ram')?.bytes as Uint8Array;
      expect(bytes.every((byte) => byte === 0)).to.equal(true);
      expect(relay.passed.some(({ message }) => message.type === 'data')).to.equal(false);
    });

    it('after they were sent become zero on the other side', async () => {
      garbage();
      const { sent, receiver } = await inRounds(sender, fence, [(migration) => migration.skip(10 * PAGE, 10 * PAGE)]);
      if (sent instanceof MigrationError) throw sent;
      expect(sent).to.include({ pagesSkipped: 10, verified: true });
      expect(
        receiver.blocks
          .get('ram')
          ?.bytes.subarray(0, 20 * PAGE)
          .every((byte) => byte === 0),
      ).to.equal(true);
    });

    it('and are written afterwards arrive', async () => {
      garbage();
      const outcome = await inRounds(sender, fence, [
        async (migration) => {
          await migration.skip(10 * PAGE, 10 * PAGE);
          for (let page = 10; page < 20; page++) sender.store(page * PAGE, page);
        },
      ]);
      expectArrived(sender, outcome);
    });

    it('leave no bit behind in the engine either', async () => {
      garbage();
      await inRounds(sender, fence, [
        async (migration) => {
          garbage();
          await migration.skip(10 * PAGE, 10 * PAGE);
          expect(sender.memory.isDirty(10 * PAGE, 10 * PAGE, MIGRATION)).to.equal(false);
        },
      ]);
    });

    it('end the migration when they could not be given away: some of them would not be sent any more', async () => {
      garbage();
      let failure: unknown;
      const outcome = await inRounds(sender, fence, [
        async (migration) => {
          garbage();
          sender.vcpu.readLock();
          failure = await migration.skip(10 * PAGE, 10 * PAGE).catch((error) => error);
          sender.vcpu.readUnlock();
        },
      ]);
      expect(expectStayed(sender, outcome, 'source')).to.equal(failure);
      expect((failure as MigrationError).cause).to.be.instanceOf(UsageError);
    });

    it('in part are not: only whole pages are given away', async () => {
      garbage();
      let pages: number | undefined;
      const outcome = await inRounds(sender, fence, [
        async (migration) => {
          pages = await migration.skip(10 * PAGE + 1, PAGE - 1);
          pages += await migration.skip(12 * PAGE, PAGE - 1);
        },
      ]);
      expect(pages).to.equal(0);
      expectArrived(sender, outcome);
    });
  });

  it('may be larger than a message', async () => {
    const large = new SendingMachine(smallEngine({ pageSize: 2 ** 18 }));
    large.plug('ram', 4);
    large.store(2 ** 18 + 2 ** 17, 1);
    const outcome = await attempt(large, { source: { verify: true } });
    expect(expectArrived(large, outcome)).to.include({ pagesSent: 0.25, pagesZero: 3.75 });
  });

  it('that are larger than what goes over at a time may be skipped in the middle', async () => {
    const size = 2 ** 24;
    const large = new SendingMachine(smallEngine({ pageSize: size, maxRamBytes: 64 * size }));
    const block = large.plug('ram', 2);
    large.contents(block).fill(1);
    let contents = 0;
    const outcome = await attempt(large, {
      source: { verify: true },
      policy: atEach('data', async (migration) => {
        if (++contents === 1) expect(await migration.skip(0, size)).to.equal(1);
        // Whoever has them writes to them, and nobody marks that.
        if (contents === 100) large.contents(block).fill(2, 0, size);
      }),
    });
    if (outcome.sent instanceof MigrationError) throw outcome.sent;
    expect(
      outcome.receiver.blocks
        .get('ram')
        ?.bytes.subarray(0, size)
        .every((byte) => byte === 0),
    ).to.equal(true);
    expect(contentsSent(outcome).length).to.be.within(100, (2 * size) / MAX_CONTENT - 1);
  });

  it('may be small, but not smaller than what digests take', async () => {
    const small = new SendingMachine(smallEngine({ pageSize: 16 }));
    small.plug('ram', 100);
    for (let addr = 0; addr < 1600; addr += 31) small.store(addr, 1 + (addr % 200));
    expectArrived(small, await attempt(small, { source: { verify: true } }));
    const least = new SendingMachine(smallEngine({ pageSize: 8 }));
    const caught = await attempt(least).catch((error) => error);
    expect(caught)
      .to.be.instanceOf(RangeError)
      .and.have.property('message')
      .that.contains('pageSize must be a power of two from 16');
  });
});
