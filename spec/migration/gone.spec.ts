import { expect } from 'chai';
import { MIGRATION, UsageError } from '../../lib/index.js';
import { type Migration, migrate } from '../../lib/migration/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { attempt, cutAt, expectArrived, expectStayed } from '../support/migration/attempt.js';
import { SendingMachine } from '../support/migration/machines.js';
import { MemoryArbiter } from '../support/migration/memory-arbiter.js';
import { Relay } from '../support/migration/relay.js';
import { expectReject, expectThrow } from '../support/refusals.js';

describe('A machine that has gone', () => {
  let sender: SendingMachine;

  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', 10, 0);
    sender.store(3 * PAGE, 3);
  });

  async function expectRefused(...parts: string[]): Promise<void> {
    const relay = await Relay.between();
    expectThrow(() => migrate(sender, relay.source), UsageError, 'migrate', ...parts);
    const other = { ...hooksOf(sender), memory: sender.memory };
    expectThrow(() => migrate(other, relay.source), UsageError, 'migrate', ...parts);
    expect(relay.source.bytesWritten).to.equal(0);
    relay.cut();
  }

  it('is not sent again, whatever object has its hooks', async () => {
    expectArrived(sender, await attempt(sender));
    await expectRefused('has gone, and runs elsewhere', 'close this engine');
  });

  it('is not sent again when only the arbiter says that it has gone', async () => {
    const arbiter = new MemoryArbiter();
    const outcome = await attempt(sender, {
      source: { arbiter },
      destination: { arbiter },
      policy: cutAt('running'),
    });
    expect(expectArrived(sender, outcome).confirmed).to.equal(false);
    await expectRefused('has gone');
  });

  it('may be collected, measured, and closed', async () => {
    const { memory } = sender;
    expectArrived(sender, await attempt(sender));
    (await memory.harvest(MIGRATION)).set.dispose();
    await memory.measureDirtyRate({ windowMs: 1 });
    await sender.unplug([...memory.ram][0] as never);
    sender.vcpu.detach();
    await memory.close();
  });

  describe('or not: nobody knows', () => {
    let migration: Migration;

    beforeEach(async () => {
      const outcome = await attempt(sender, { policy: cutAt('commit') });
      migration = outcome.migration;
      expect(outcome.sent).to.include({ reason: 'undecided' });
    });

    it('is not sent again', async () => {
      await expectRefused('undecided whether the machine has gone', 'takeBack');
      expect(sender.state).to.equal('paused');
    });

    it('is taken back when it does not run elsewhere, runs on, and may be sent again', async () => {
      await migration.takeBack();
      expect(sender.state).to.equal('running');
      await expectReject(() => migration.takeBack(), UsageError, 'takeBack');
      sender.store(4 * PAGE, 4);
      expectArrived(sender, await attempt(sender));
    });

    it('is not taken back by a hook that throws, and may be by the next call', async () => {
      sender.resume = () => {
        throw new Error('it will not go on');
      };
      await expectReject(() => migration.takeBack(), Error, 'it will not go on');
      await expectRefused('undecided');
      sender.resume = SendingMachine.prototype.resume;
      await migration.takeBack();
      expectArrived(sender, await attempt(sender));
    });
  });

  it('is not taken back, nor is one that has stayed', async () => {
    const cut = await attempt(sender, { policy: cutAt('data') });
    expectStayed(sender, cut, 'link');
    const why = 'takeBack: this migration has not left its machine undecided';
    await expectReject(() => cut.migration.takeBack(), UsageError, why);
    const whole = await attempt(sender);
    expectArrived(sender, whole);
    await expectReject(() => whole.migration.takeBack(), UsageError, 'takeBack');
    expect(sender.state).to.equal('paused');
  });
});

function hooksOf(machine: SendingMachine) {
  return {
    contents: () => new Uint8Array(),
    pause: () => machine.pause(),
    resume: () => machine.resume(),
    saveState: () => machine.saveState(),
  };
}
