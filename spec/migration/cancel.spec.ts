import { expect } from 'chai';
import { UsageError } from '../../lib/index.js';
import { type Arbiter, MigrationError, migrate, receive } from '../../lib/migration/index.js';
import type { MessageType } from '../../lib/migration/wire/message.js';
import { PAGE, smallEngine } from '../support/engines.js';
import {
  atEach,
  atFirst,
  attempt,
  cancelWhenThrottled,
  expectArrived,
  expectStayed,
} from '../support/migration/attempt.js';
import { ReceivingMachine, SendingMachine } from '../support/migration/machines.js';
import { MemoryArbiter } from '../support/migration/memory-arbiter.js';
import { Relay } from '../support/migration/relay.js';
import { turns } from '../support/promises.js';
import { expectThrow } from '../support/refusals.js';

function machine(): SendingMachine {
  const sender = new SendingMachine(smallEngine());
  sender.plug('ram', 100);
  for (let page = 0; page < 100; page += 7) sender.store(page * PAGE, page + 1);
  return sender;
}

/** In the order in which they come by. */
const MESSAGES: readonly MessageType[] = ['hello', 'plug', 'data', 'seal', 'state', 'digests', 'end'];

describe('A migration that is cancelled', () => {
  for (const type of MESSAGES) {
    for (const who of ['source', 'destination'] as const) {
      it(`by the ${who} when '${type}' goes over leaves the machine here, whole, and it may go again`, async () => {
        const sender = machine();
        const arbiter = new MemoryArbiter();
        const controller = new AbortController();
        const outcome = await attempt(sender, {
          source: { arbiter, verify: true },
          destination: { arbiter, signal: controller.signal },
          policy: atFirst(type, (migration) => (who === 'source' ? migration.cancel() : controller.abort())),
        });
        expectStayed(sender, outcome, who === 'source' ? 'cancelled' : 'destination');
        expect(outcome.received).to.include({ reason: who === 'source' ? 'source' : 'cancelled' });
        for (let page = 0; page < 100; page += 13) sender.store(page * PAGE + 9, page + 1);
        expectArrived(sender, await attempt(sender));
      });
    }
  }

  for (const who of ['source', 'destination'] as const) {
    it(`by the ${who}'s signal has the signal's reason for its cause, which the peer is not told`, async () => {
      const reason = new Error('the operator said no');
      const controller = new AbortController();
      const outcome = await attempt(machine(), {
        [who]: { signal: controller.signal },
        policy: atFirst('data', () => controller.abort(reason)),
      });
      const [here, there] = who === 'source' ? [outcome.sent, outcome.received] : [outcome.received, outcome.sent];
      expect(here).to.include({ reason: 'cancelled', cause: reason });
      expect(there).to.be.instanceOf(MigrationError).and.include({ reason: who });
      expect((there as MigrationError).message).to.not.contain('operator');
    });
  }

  it('by a signal that timed out says so', async () => {
    const outcome = await attempt(machine(), {
      source: { signal: AbortSignal.timeout(20) },
      policy: () => new Promise(() => {}),
      begun: (migration, relay) => void migration.result.catch(() => relay.cut()),
    });
    expect((outcome.sent as MigrationError).cause).to.have.property('name', 'TimeoutError');
  });

  it('by its method has no cause', async () => {
    const outcome = await attempt(machine(), { begun: (migration) => migration.cancel() });
    expect((outcome.sent as MigrationError).cause).to.equal(undefined);
  });

  it('while the owner is in a read-side section tracks no pages afterwards either', async () => {
    const sender = new SendingMachine(smallEngine({ tracked: 0 }));
    sender.plug('ram', 100);
    sender.store(0, 1);
    const outcome = await attempt(sender, {
      begun: (migration) => {
        migration.on('progress', ({ round }) => {
          if (round !== 1 || sender.vcpu.inSection) return;
          sender.vcpu.readLock();
          migration.cancel();
        });
      },
    });
    expectStayed(sender, outcome, 'cancelled');
    sender.vcpu.readUnlock();
    await turns();
    expect(sender.memory.tracked).to.equal(0);
  });

  it('by its signal before it has begun does not begin', async () => {
    const sender = machine();
    const outcome = await attempt(sender, { source: { signal: AbortSignal.abort() } });
    expectStayed(sender, outcome, 'cancelled');
    expect(sender.log).to.be.empty;
  });

  it('when it is decided is not: the machine runs there', async () => {
    const sender = machine();
    const arbiter = new MemoryArbiter();
    const outcome = await attempt(sender, {
      source: { arbiter },
      destination: { arbiter },
      policy: atFirst('running', (migration) => migration.cancel()),
    });
    expect(expectArrived(sender, outcome).confirmed).to.equal(false);
    outcome.migration.cancel();
    expect(sender.state).to.equal('paused');
  });

  it('without an arbiter when the destination was told to start is not', async () => {
    const sender = machine();
    const outcome = await attempt(sender, { policy: atFirst('commit', (migration) => migration.cancel()) });
    expect(expectArrived(sender, outcome).confirmed).to.equal(true);
  });

  for (const type of ['ready', 'commit'] as const) {
    it(`by a destination that waits to be told to start is: when '${type}' goes over`, async () => {
      const sender = machine();
      const controller = new AbortController();
      const outcome = await attempt(sender, {
        destination: { signal: controller.signal },
        policy: atFirst(type, () => controller.abort()),
      });
      // Also when the source has said that the other may run: it hears that the other never will.
      expectStayed(sender, outcome, 'destination');
      expect(outcome.received).to.include({ reason: 'cancelled' });
      expectArrived(sender, await attempt(sender));
    });
  }

  it('by a destination that has been told to start is not', async () => {
    const sender = machine();
    const receiver = new ReceivingMachine(PAGE);
    const controller = new AbortController();
    receiver.start = async () => {
      controller.abort();
      await turns();
      receiver.state = 'running';
    };
    const outcome = await attempt(sender, { receiver, destination: { signal: controller.signal } });
    expect(expectArrived(sender, outcome).confirmed).to.equal(true);
  });

  it('by a destination that has asked the arbiter is not', async () => {
    const sender = machine();
    const controller = new AbortController();
    const arbiter = new MemoryArbiter();
    const cancelling: Arbiter = {
      claim: (side) => {
        controller.abort();
        return arbiter.claim(side);
      },
    };
    const outcome = await attempt(sender, {
      source: { arbiter },
      destination: { arbiter: cancelling, signal: controller.signal },
    });
    expectArrived(sender, outcome);
  });

  it('gives the vCPUs their time back', async () => {
    const sender = machine();
    const outcome = await attempt(sender, {
      source: { downtimeMs: 0 },
      begun: cancelWhenThrottled,
      policy: atEach('data', () => {
        for (let page = 0; page < 100; page++) sender.store(page * PAGE, Math.random() * 256);
      }),
    });
    expectStayed(sender, outcome, 'cancelled');
    expect(sender.shares.length).to.be.at.least(2);
    expect(sender.shares.at(-1)).to.equal(undefined);
  });

  it('at any time does no harm', async () => {
    const ends = new Set<string>();
    for (let count = 0; count < 20; count++) {
      const sender = machine();
      const outcome = await attempt(sender, {
        begun: async (migration) => {
          await turns(count);
          migration.cancel();
        },
      });
      ends.add(sender.state);
      if (outcome.sent instanceof MigrationError) {
        expectStayed(sender, outcome, 'cancelled');
        sender.store(count * PAGE, 200);
        expectArrived(sender, await attempt(sender));
      } else expectArrived(sender, outcome);
    }
    expect(ends.has('running')).to.equal(true);
  });

  it('must have ended before another of the machine begins', async () => {
    const sender = machine();
    const first = await Relay.between();
    const second = await Relay.between();
    const migration = migrate(sender, first.source);
    expectThrow(() => migrate(sender, second.source), TypeError, 'the machine is being migrated');
    migration.cancel();
    const received = receive(new ReceivingMachine(PAGE), first.destination).catch(() => {});
    await migration.result.catch(() => {});
    await received;
    second.cut();
    expectArrived(sender, await attempt(sender));
  });

  it('must have resumed its machine before another begins', async () => {
    const sender = machine();
    const relay = await Relay.between();
    let refused = false;
    sender.resume = async () => {
      await turns();
      expectThrow(() => migrate(sender, relay.source), UsageError, 'the machine is being migrated');
      refused = true;
      sender.state = 'running';
    };
    const outcome = await attempt(sender, { policy: atFirst('seal', (migration) => migration.cancel()) });
    expectStayed(sender, outcome, 'cancelled');
    expect(refused).to.equal(true);
    relay.cut();
    expectArrived(sender, await attempt(sender));
  });
});
