import { expect } from 'chai';
import { MigrationError } from '../../lib/migration/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { itLong } from '../support/long.js';
import { attempt, cancelWhenThrottled, cutAt, expectArrived, expectStayed } from '../support/migration/attempt.js';
import { MemoryArbiter } from '../support/migration/memory-arbiter.js';
import { VcpuMachine } from '../support/migration/vcpu-machine.js';

describe('A machine whose vCPUs store while it is migrated', () => {
  let machine: VcpuMachine;

  async function boot(): Promise<void> {
    machine = new VcpuMachine(smallEngine({ pagesPerBlock: 256, arenaBytes: 2 ** 20 }));
    machine.plug('low', 1000, 0);
    machine.plug('high', 1000, 1024 * PAGE);
    for (const block of machine.memory.ram) machine.contents(block).fill(1);
    await machine.startVcpu('low', 200);
    await machine.startVcpu('high', 900);
  }

  beforeEach(boot);
  afterEach(() => machine.stop());

  it('arrives as it was when they stood still', async () => {
    const outcome = await attempt(machine, { source: { verify: true } });
    const { rounds, pagesSent } = expectArrived(machine, outcome);
    expect(rounds).to.be.at.least(2);
    expect(pagesSent).to.be.at.least(2000);
  });

  itLong('arrives after it was cut off, and cancelled, several times', async () => {
    for (const stop of [3, 10, 40]) {
      let contents = 0;
      const outcome = await attempt(machine, {
        source: { downtimeMs: 0 },
        policy: ({ message }, migration) => {
          if (message.type !== 'data' || ++contents !== stop) return 'pass';
          if (stop === 10) migration.cancel();
          return stop === 10 ? 'pass' : 'tear';
        },
      });
      expectStayed(machine, outcome, stop === 10 ? 'cancelled' : 'link');
    }
    expectArrived(machine, await attempt(machine, { source: { verify: true } }));
  });

  it('arrives, or stays and runs on, wherever the switch-over is cut', async () => {
    let stayed = 0;
    for (const type of ['seal', 'digests', 'end', 'running'] as const) {
      const arbiter = new MemoryArbiter();
      const outcome = await attempt(machine, {
        source: { arbiter, verify: true },
        destination: { arbiter },
        policy: cutAt(type),
      });
      if (outcome.sent instanceof MigrationError) {
        expectStayed(machine, outcome, 'link');
        stayed++;
      } else expectArrived(machine, outcome);
    }
    expect(stayed).to.equal(3);
  });

  it('is slowed down while it dirties pages faster than they can be sent, and has its time back afterwards', async () => {
    // Where threads have to wait for a core, the vCPUs may store nothing during a whole round, and nothing is left.
    while (machine.shares.length === 0) {
      if (machine.state === 'paused') {
        await machine.stop(); // it has gone
        await boot();
      }
      await attempt(machine, { source: { downtimeMs: 0 }, begun: cancelWhenThrottled });
    }
    expect(machine.shares[0]).to.equal(0.2);
    expect(machine.shares.at(-1)).to.equal(undefined);
  });

  itLong('is held to a limit on dirtied pages where it has no way of its own, and to none afterwards', async () => {
    const limits: (number | undefined)[] = [];
    const watchLimits = (): void => {
      Object.defineProperty(machine, 'throttle', { value: undefined });
      const { memory } = machine;
      const limit = memory.limitDirtyRate.bind(memory);
      memory.limitDirtyRate = (pages, options) => {
        limits.push(pages);
        return limit(pages, options);
      };
    };
    watchLimits();
    while (limits.length === 0) {
      if (machine.state === 'paused') {
        await machine.stop(); // it has gone
        await boot();
        watchLimits();
      }
      await attempt(machine, { source: { downtimeMs: 0 }, begun: cancelWhenThrottled });
    }
    expect(limits[0]).to.be.a('number');
    expect(limits.at(-1)).to.equal(undefined);
  });
});
