import { expect } from 'chai';
import { clientName } from '../../lib/dirty/client.js';
import { CODE, GracePeriodTimeout, MIGRATION, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { turns, until } from '../support/promises.js';
import { expectReject, uncaughtDuring } from '../support/refusals.js';

describe('What is given up while its thread is inside a read-side section', () => {
  it('is tracking: nothing becomes uncaught, and the client is not tracked any more', async () => {
    const memory = smallEngine({ tracked: 0 });
    memory.ram.plug({ id: 'ram', size: 10 * PAGE });
    const stuck = foreignVcpu(memory);
    const own = attachVcpu(memory.handle);
    const uncaught = await uncaughtDuring(async () => {
      const given = memory.track(CODE, { timeoutMs: 5 });
      own.readLock();
      await expectReject(() => given, GracePeriodTimeout, 'track');
      await turns();
    });
    expect(uncaught).to.be.empty;
    own.readUnlock();
    stuck.detach();
    await memory.rcu.synchronize();
    expect(memory.tracked).to.equal(0);
    await memory.close();
  });

  for (const client of [MIGRATION, VGA] as const) {
    it(`is a measurement of ${clientName(client)}: nothing becomes uncaught, and it is not tracked any more`, async () => {
      const memory = smallEngine({ tracked: 0 });
      memory.ram.plug({ id: 'ram', size: 10 * PAGE });
      const own = attachVcpu(memory.handle);
      const uncaught = await uncaughtDuring(async () => {
        const given = memory.measureDirtyRate({ windowMs: 1000, client, timeoutMs: 100 });
        // At once: on a busy machine the time is up before the thread is inside.
        const refused = expectReject(() => given, GracePeriodTimeout, 'measureDirtyRate');
        await until(() => memory.tracked !== 0);
        await turns();
        own.readLock();
        await refused;
        await turns();
      });
      expect(uncaught).to.be.empty;
      own.readUnlock();
      await memory.rcu.synchronize();
      expect(memory.tracked).to.equal(0);
      await memory.close();
    });
  }

  it('is not a measurement that needs no readers: it says what it found when the section has ended', async () => {
    const memory = smallEngine({ tracked: 0 });
    memory.ram.plug({ id: 'ram', size: 10 * PAGE });
    const own = attachVcpu(memory.handle);
    const measured = memory.measureDirtyRate({ windowMs: 20, client: VGA });
    await until(() => memory.tracked !== 0);
    await turns();
    own.readLock();
    await until(() => memory.tracked === 0);
    own.readUnlock();
    expect((await measured).pages).to.equal(0);
    await memory.close();
  });
});
