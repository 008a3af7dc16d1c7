import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';
import { type DirtyMemory, MIGRATION, type Tracking } from '../../lib/index.js';
import { describeEngines, PAGE, pagesOf, range, smallEngine } from '../support/engines.js';
import { GuestCopy } from '../support/guest-copy.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';

const PAGES = 200;

function onDemand(): DirtyMemory {
  const memory = smallEngine({ tracked: 0, debug: false });
  memory.ram.plug({ id: 'dimm0', size: PAGES * PAGE });
  return memory;
}

describeEngines('regressions: users that begin and end', () => {
  it('QEMU 40c4d4a8: a second migration, after one that was cancelled, missed what had been sent before: it starts all dirty', async () => {
    const memory = onDemand();
    const first = await memory.track(MIGRATION);
    (await first.harvest()).set.dispose();
    await first.stop();
    const second = await memory.track(MIGRATION);
    expect(pagesOf((await second.harvest()).set)).to.deep.equal(range(0, PAGES));
    await second.stop();
    await memory.close();
  });

  it("QEMU 63b41db4, a5c90c61: one user's stop ended another's tracking: users that overlap in every way", async () => {
    for (const firstStops of [true, false]) {
      const memory = onDemand();
      const users = [await memory.track(MIGRATION)];
      (await users[0]?.harvest())?.set.dispose();
      users.push(await memory.track(MIGRATION));
      expect(pagesOf((await (users[1] as Tracking).harvest()).set), 'for the second').to.deep.equal(range(0, PAGES));
      const [gone, left] = (firstStops ? users : users.reverse()) as [Tracking, Tracking];
      await gone.stop();
      await gone.stop();
      memory.setDirty(7 * PAGE, MIGRATION);
      expect(pagesOf((await left.harvest()).set)).to.deep.equal([7]);
      await left.stop();
      expect(memory.tracked).to.equal(0);
      await memory.close();
    }
  });
});

describe('regressions: tracking that begins and ends while vCPUs run', () => {
  afterEach(endThreads);

  it('QEMU 49877834: starting a log while RAM was plugged followed a freed table: begun and ended over and over while RAM comes and goes', async () => {
    const memory = onDemand();
    const buffer = new SharedArrayBuffer(PAGES * 4);
    const vcpu = await RemoteVcpu.attached(memory.handle, 'vcpu', buffer);
    const copy = new GuestCopy(memory, new Words(buffer, 0, PAGES), PAGE);
    await vcpu.begin('storeAndMark');
    let due = 0;
    for (let round = 0; round < 40; round++) {
      const begun = memory.track(MIGRATION);
      const first = memory.ram.plug({ id: 'dimm1', size: 70 * PAGE, offset: 300 * PAGE });
      const tracking = await begun;
      const found = await copy.round(() => tracking.harvest());
      expect(found.missing).to.deep.equal([]);
      due += found.due.length;
      const ended = tracking.stop();
      const second = memory.ram.plug({ id: 'dimm2', size: 5 * PAGE, offset: 2000 * PAGE });
      await Promise.all([ended, memory.ram.unplug(first), memory.ram.unplug(second)]);
    }
    expect(due, 'pages stored to after their copy').to.be.above(0);
    await vcpu.stop();
  });
});
