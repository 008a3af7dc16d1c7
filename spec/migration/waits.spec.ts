import { expect } from 'chai';
import { GracePeriodTimeout } from '../../lib/index.js';
import type { Migration } from '../../lib/migration/index.js';
import { foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { attempt, expectArrived, expectStayed } from '../support/migration/attempt.js';
import { SendingMachine } from '../support/migration/machines.js';
import { until } from '../support/promises.js';

function machine(pages = 50): SendingMachine {
  const sender = new SendingMachine(smallEngine());
  sender.plug('ram', pages);
  for (let page = 0; page < pages; page++) sender.store(page * PAGE, 1 + (page % 255));
  return sender;
}

describe('What a migration waits for', () => {
  it('is given up when it is cancelled: a stream that takes nothing more', async () => {
    const sender = machine(4000);
    let blocked = false;
    const outcome = await attempt(sender, {
      policy: ({ message }) => (message.type === 'data' ? new Promise(() => {}) : 'pass'),
      begun: async (migration, relay) => {
        migration.result.catch(() => relay.cut());
        await until(() => relay.source.writableNeedDrain);
        blocked = true;
        migration.cancel();
      },
    });
    expect(blocked).to.equal(true);
    expectStayed(sender, outcome, 'cancelled');
    expectArrived(sender, await attempt(sender));
  });

  for (const phase of ['copying', 'switching'] as const) {
    it(`is given up when it is cancelled: a vCPU that does not report, while ${phase}`, async () => {
      const sender = machine();
      const stuck = foreignVcpu(sender.memory);
      let migration: Migration | undefined;
      let free = true;
      const reporting = setInterval(() => free && stuck.quiescent(), 1);
      const hold = () => {
        free = false;
        stuck.mark(0); // so that there is something to collect
        setTimeout(() => migration?.cancel(), 20);
      };
      if (phase === 'switching') {
        sender.pause = () => {
          sender.state = 'paused';
          hold();
        };
      }
      const outcome = await attempt(sender, {
        begun: (begun) => {
          migration = begun;
        },
        policy: ({ message }) => {
          if (message.type === 'data' && phase === 'copying' && free) hold();
          return 'pass';
        },
      });
      expectStayed(sender, outcome, 'cancelled');
      free = true;
      sender.pause = SendingMachine.prototype.pause;
      expectArrived(sender, await attempt(sender));
      clearInterval(reporting);
    });
  }

  it('has an end: a vCPU that does not report for too long ends the migration, and is named', async () => {
    const sender = machine();
    const stuck = foreignVcpu(sender.memory, 'stuck');
    const outcome = await attempt(sender, { source: { stallMs: 1000 } });
    const { cause } = expectStayed(sender, outcome, 'source');
    expect(cause).to.be.instanceOf(GracePeriodTimeout);
    expect((cause as GracePeriodTimeout).readers.map(({ name }) => name)).to.deep.equal(['stuck']);
    stuck.detach();
    expectArrived(sender, await attempt(sender));
  });

  it('includes a machine that takes longer to pause than either end may be silent', async () => {
    const sender = machine();
    sender.pause = async () => {
      await new Promise((resolve) => setTimeout(resolve, 900));
      sender.state = 'paused';
    };
    expectArrived(sender, await attempt(sender, { source: { stallMs: 300 }, destination: { stallMs: 300 } }));
  });

  it('includes what is slow: a link that lets through a little at a time', async () => {
    const sender = machine();
    let delayed = 0;
    const outcome = await attempt(sender, {
      source: { verify: true, stallMs: 2000 },
      destination: { stallMs: 2000 },
      policy: async (): Promise<'pass'> => {
        delayed++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        return 'pass';
      },
    });
    expectArrived(sender, outcome);
    expect(delayed).to.be.at.least(10);
  });
});
