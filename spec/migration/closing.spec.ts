import { expect } from 'chai';
import { UsageError } from '../../lib/index.js';
import { MigrationError } from '../../lib/migration/index.js';
import { foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { atFirst, attempt, expectArrived, expectStayed } from '../support/migration/attempt.js';
import { SendingMachine } from '../support/migration/machines.js';
import { MemoryArbiter } from '../support/migration/memory-arbiter.js';
import { turns } from '../support/promises.js';
import { expectReject, uncaughtDuring } from '../support/refusals.js';

describe('An engine that is closed while its machine is migrated', () => {
  function machine(): SendingMachine {
    const sender = new SendingMachine(smallEngine());
    sender.plug('ram', 40);
    for (let page = 0; page < 40; page++) sender.store(page * PAGE, page + 1);
    return sender;
  }

  for (const from of ['the beginning', 'the pause'] as const) {
    it(`leaves one machine that runs, whenever it is, from ${from} on`, async () => {
      const seen = new Set<string>();
      const uncaught = await uncaughtDuring(async () => {
        for (let count = 0; !seen.has('too late'); count += 1 + Math.floor(count / 10)) {
          const sender = machine();
          const arbiter = new MemoryArbiter();
          let closed: Promise<unknown> = Promise.resolve();
          const close = async () => {
            await turns(count);
            if (arbiter.winner === 'destination') seen.add('too late');
            await sender.memory.close();
          };
          if (from === 'the pause') {
            sender.pause = () => {
              sender.state = 'paused';
              closed = close();
            };
          }
          const outcome = await attempt(sender, {
            source: { arbiter, verify: true },
            destination: { arbiter },
            begun: () => {
              if (from === 'the beginning') closed = close();
            },
          });
          await closed;
          if (outcome.sent instanceof MigrationError) {
            const { cause, message } = expectStayed(sender, outcome, 'source');
            expect(cause).to.be.instanceOf(UsageError);
            expect(message).to.contain('clos');
            seen.add('stays');
          } else {
            expectArrived(sender, outcome);
            seen.add('goes over');
          }
        }
      });
      expect(uncaught).to.be.empty;
      expect([...seen]).to.include('stays');
    });
  }

  it('when all has gone over but the digests is not handed over, however long the closing takes', async () => {
    const sender = new SendingMachine(smallEngine({ maxRamBytes: 2 ** 26, pagesPerBlock: 2 ** 14 }));
    sender.plug('ram', 2 ** 14); // whose digest takes many turns
    const stuck = foreignVcpu(sender.memory);
    const reporting = setInterval(() => sender.memory.rcu.lifecycle.state === 'open' && stuck.quiescent(), 1);
    const arbiter = new MemoryArbiter();
    let closed: Promise<void> | undefined;
    const uncaught = await uncaughtDuring(async () => {
      const outcome = await attempt(sender, {
        source: { verify: true, arbiter },
        destination: { arbiter },
        policy: atFirst('seal', () => {
          sender.memory.rcu.callRcu(() => {}); // which waits for the vCPU, as the closing does for it
          closed = sender.memory.close();
        }),
      });
      expect(expectStayed(sender, outcome, 'source').message).to.contain('the engine is closing');
    });
    clearInterval(reporting);
    stuck.detach();
    await closed;
    expect(uncaught).to.be.empty;
    expect(arbiter.claims).to.be.empty;
  });

  it('has nothing to give away any more', async () => {
    const sender = machine();
    let skipped: Promise<void> | undefined;
    await attempt(sender, {
      begun: (migration) => {
        migration.on('progress', ({ round }) => {
          if (round !== 1 || skipped !== undefined) return;
          sender.memory.close();
          skipped = expectReject(() => migration.skip(0, 2 * PAGE), MigrationError, 'clos');
        });
      },
    });
    await skipped;
    expect(skipped).to.not.equal(undefined);
    expect(sender.state).to.equal('running');
  });
});
