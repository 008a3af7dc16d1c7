import { expect } from 'chai';
import { openEngine } from '../../lib/dirty-memory.js';
import { type DirtyMemory, MIGRATION } from '../../lib/index.js';
import { gracePeriodSabotages } from '../../lib/stress/sabotage/grace-periods.js';
import { CLIENTS, collectAtOnce, PAGE, smallEngine } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import { track, turn, turns } from '../support/promises.js';
import { endThreads } from '../support/remote-vcpu.js';
import { PAGES, STORING, StoringMachine } from './storing-machine.js';

describe('vCPUs on worker threads: collecting', () => {
  let memory: DirtyMemory;
  let machine: StoringMachine;

  beforeEach(() => {
    memory = smallEngine({ debug: false });
    machine = new StoringMachine(memory);
  });
  afterEach(endThreads);

  it('waits for the interval in which a page was marked before it was stored to', async () => {
    const vcpu = await machine.attached('vcpu');
    await vcpu.begin('markThenStoreWhatIsTold');
    const harvest = memory.harvest(MIGRATION);
    const tracked = track(harvest);
    await turns();
    expect(tracked.settled).to.equal(false);
    expect(memory.isDirty(0, PAGE, MIGRATION), 'in flight').to.equal(true);
    vcpu.tell(77);
    expect(await vcpu.end(), 'clients for which the page turned').to.equal(7);
    const { set } = await harvest;
    expect([...machine.copy.take(set)]).to.deep.equal([0]);
    expect(machine.copy.get(0)).to.equal(77);
  });

  for (const [loop, enough] of STORING) {
    it(`misses no store of threads that all the time ${loop}`, async () => {
      const vcpus = await machine.begun(loop);
      await machine.copyRounds(enough);
      await machine.stop(vcpus);
    });
  }

  it('is seen to miss stores when its harvests do not wait for the grace period', async () => {
    const { parts } = gracePeriodSabotages['harvest-without-grace-period'];
    const broken = new StoringMachine(openEngine({ stallMs: 600_000 }, parts).memory);
    const vcpu = await broken.attached('vcpu');
    await vcpu.begin('markThenStore');
    let missing: number[] = [];
    for (let rounds = 0; missing.length === 0 && rounds < 100_000; rounds++) ({ missing } = await broken.copy.round());
    expect(missing).to.not.be.empty;
  });

  const exactlyOne = 'tells exactly one thread of each page that turns, for each client';
  itInBothForms(exactlyOne, 4_000, 20_000, async (leastRounds) => {
    const vcpus = await machine.begun('storeAndMark');
    // Nothing is copied, so nothing needs a grace period; without one, the threads meet collections more often.
    let taken = 0;
    let rounds = 0;
    while (rounds < leastRounds || taken < 5 * leastRounds) {
      const set = collectAtOnce(memory, MIGRATION);
      taken += set.pages;
      set.dispose();
      if (++rounds % 1000 === 0) await turn();
    }
    const turned = [0, 0, 0];
    for (const vcpu of vcpus) {
      for (const [nth, count] of ((await vcpu.stop()) as number[]).entries()) turned[nth]! += count;
    }
    const [vga, code, migration] = CLIENTS.map((client) => collectAtOnce(memory, client).pages);
    expect(turned).to.deep.equal([vga, code, taken + (migration ?? 0)]);
  });

  it('collects from threads while RAM is plugged and unplugged beside them', async () => {
    const vcpus = await machine.begun('storeAndMark');
    for (let round = 0; round < 30; round++) {
      const dimm = memory.ram.plug({ id: 'dimm1', size: 192 * PAGE });
      const unplugged = memory.ram.unplug(dimm);
      const { set } = await memory.harvest(MIGRATION);
      await unplugged;
      for (const page of machine.copy.take(set)) expect(page).to.be.below(PAGES);
    }
    await machine.stop(vcpus);
    expect(memory.stats().shrinks).to.equal(30);
  });
});
