import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';
import { Client, DirtyMemory } from '../../lib/index.js';
import { shippedParts } from '../../lib/parts.js';
import { gracePeriodSabotages } from '../../lib/stress/sabotage/grace-periods.js';
import { CLIENTS, cleanAll, PAGE, smallEngine } from '../support/engines.js';
import { GuestCopy } from '../support/guest-copy.js';
import { itInBothForms } from '../support/long.js';
import { track, turn, turns } from '../support/promises.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';

const PAGES = 200;

describe('vCPUs on worker threads: collecting', () => {
  let memory: DirtyMemory;
  let guestBuffer: SharedArrayBuffer;
  let guest: Words;
  let copy: GuestCopy;

  beforeEach(() => {
    memory = smallEngine({ debug: false });
    memory.ram.plug({ id: 'dimm0', size: PAGES * PAGE });
    cleanAll(memory);
    guestBuffer = new SharedArrayBuffer(PAGES * 4);
    guest = new Words(guestBuffer, 0, PAGES);
    copy = new GuestCopy(memory, guest, PAGE);
  });
  afterEach(async () => {
    await endThreads();
  });

  const attached = (name: string): Promise<RemoteVcpu> => RemoteVcpu.attached(memory.handle, name, guestBuffer);

  it('waits for the interval in which a page was marked before it was stored to', async () => {
    const vcpu = await attached('vcpu');
    await vcpu.begin('markThenStoreWhatIsTold');
    const harvest = memory.harvest(Client.Migration);
    const tracked = track(harvest);
    await turns();
    expect(tracked.settled).to.equal(false);
    expect(memory.isDirty(0, PAGE, Client.Migration), 'in flight').to.equal(true);
    vcpu.tell(77);
    expect(await vcpu.end(), 'clients for which the page turned').to.equal(7);
    const { set } = await harvest;
    expect([...copy.take(set)]).to.deep.equal([0]);
    expect(copy.get(0)).to.equal(77);
  });

  for (const [loop, leastRounds, leastPages] of [
    ['storeAndMark', 40, 1000],
    ['markThenStore', 10, 100],
  ] as const) {
    it(`misses no store of threads that all the time ${loop}`, async () => {
      const vcpus = [await attached('vcpu0'), await attached('vcpu1')];
      for (const vcpu of vcpus) await vcpu.begin(loop);
      let rounds = 0;
      let checked = 0;
      while (rounds < leastRounds || checked < leastPages) {
        const { due, missing } = await copy.round();
        expect(missing, `pages of round ${rounds} that were stored to and are not dirty`).to.deep.equal([]);
        checked += due.length;
        rounds++;
      }
      for (const vcpu of vcpus) await vcpu.stop();
      copy.take(memory.harvestUnsynchronized(Client.Migration).set);
      expect(copy.differing()).to.deep.equal([]);
    });
  }

  it('is seen to miss stores when its harvests do not wait for the grace period', async () => {
    const { parts } = gracePeriodSabotages['harvest-without-grace-period'];
    const broken = new DirtyMemory({ stallMs: 600_000 }, { ...shippedParts, ...parts });
    broken.ram.plug({ id: 'dimm0', size: PAGES * PAGE });
    copy = new GuestCopy(broken, guest, PAGE);
    const vcpu = await RemoteVcpu.attached(broken.handle, 'vcpu', guestBuffer);
    await vcpu.begin('markThenStore');
    let missing: number[] = [];
    for (let rounds = 0; missing.length === 0 && rounds < 100_000; rounds++) ({ missing } = await copy.round());
    expect(missing).to.not.be.empty;
  });

  const exactlyOne = 'tells exactly one thread of each page that turns, for each client';
  itInBothForms(exactlyOne, 4_000, 20_000, async (leastRounds) => {
    const vcpus = [await attached('vcpu0'), await attached('vcpu1')];
    for (const vcpu of vcpus) await vcpu.begin('storeAndMark');
    // Nothing is copied, so nothing needs a grace period; without one, the threads meet collections more often.
    let taken = 0;
    let rounds = 0;
    while (rounds < leastRounds || taken < 5 * leastRounds) {
      const { set } = memory.harvestUnsynchronized(Client.Migration);
      taken += set.pages;
      set.dispose();
      if (++rounds % 1000 === 0) await turn();
    }
    const turned = [0, 0, 0];
    for (const vcpu of vcpus) {
      for (const [client, count] of ((await vcpu.stop()) as number[]).entries()) turned[client]! += count;
    }
    const [vga, code, migration] = CLIENTS.map((client) => memory.harvestUnsynchronized(client).set.pages);
    expect(turned).to.deep.equal([vga, code, taken + (migration ?? 0)]);
  });

  it('collects from threads while RAM is plugged and unplugged beside them', async () => {
    const vcpus = [await attached('vcpu0'), await attached('vcpu1')];
    for (const vcpu of vcpus) await vcpu.begin('storeAndMark');
    for (let round = 0; round < 30; round++) {
      const dimm = memory.ram.plug({ id: 'dimm1', size: 192 * PAGE });
      const unplugged = memory.ram.unplug(dimm);
      const { set } = await memory.harvest(Client.Migration);
      await unplugged;
      for (const page of copy.take(set)) expect(page).to.be.below(PAGES);
    }
    for (const vcpu of vcpus) await vcpu.stop();
    copy.take(memory.harvestUnsynchronized(Client.Migration).set);
    expect(copy.differing()).to.deep.equal([]);
    expect(memory.stats().shrinks).to.equal(30);
  });
});
