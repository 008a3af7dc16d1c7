import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';
import { Client, type DirtyMemory, type PageSet } from '../../lib/index.js';
import { CLIENTS, cleanAll, PAGE, smallEngine } from '../support/engines.js';
import { track, turns } from '../support/promises.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';

const PAGES = 200;

describe('vCPUs on worker threads: collecting', () => {
  let memory: DirtyMemory;
  let guestBuffer: SharedArrayBuffer;
  let guest: Words;
  let copy: number[];

  beforeEach(() => {
    memory = smallEngine({ debug: false });
    memory.ram.plug({ id: 'dimm0', size: PAGES * PAGE });
    cleanAll(memory);
    guestBuffer = new SharedArrayBuffer(PAGES * 4);
    guest = new Words(guestBuffer, 0, PAGES);
    copy = new Array(PAGES).fill(0);
  });
  afterEach(async () => {
    await endThreads();
  });

  const attached = (name: string): Promise<RemoteVcpu> => RemoteVcpu.attached(memory.handle, name, guestBuffer);

  /** Copies the guest's pages that are in the set, and disposes of it. */
  const copyPages = (set: PageSet): Set<number> => {
    const pages = new Set<number>();
    for (const { start, length } of set.runs()) {
      for (let page = start / PAGE; page < (start + length) / PAGE; page++) {
        copy[page] = guest.get(page);
        pages.add(page);
      }
    }
    set.dispose();
    return pages;
  };
  const differing = (): number[] => copy.flatMap((value, page) => (value === guest.get(page) ? [] : [page]));

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
    expect([...copyPages(set)]).to.deep.equal([0]);
    expect(copy[0]).to.equal(77);
  });

  it('misses no store of threads that store and mark all the time', async () => {
    const vcpus = [await attached('vcpu0'), await attached('vcpu1')];
    for (const vcpu of vcpus) await vcpu.begin('storeAndMark');
    let rounds = 0;
    let checked = 0;
    while (rounds < 40 || checked < 1000) {
      const due = differing();
      // Whatever stored what differs has ended its interval, and so has marked.
      await memory.rcu.synchronize();
      const pages = copyPages((await memory.harvest(Client.Migration)).set);
      const missing = due.filter((page) => !pages.has(page));
      expect(missing, `pages of round ${rounds} that were stored to and are not dirty`).to.deep.equal([]);
      checked += due.length;
      rounds++;
    }
    for (const vcpu of vcpus) await vcpu.stop();
    copyPages(memory.harvestUnsynchronized(Client.Migration).set);
    expect(differing()).to.deep.equal([]);
  });

  it('tells exactly one thread of each page that turns, for each client', async () => {
    const vcpus = [await attached('vcpu0'), await attached('vcpu1')];
    for (const vcpu of vcpus) await vcpu.begin('storeAndMark');
    let taken = 0;
    for (let round = 0; round < 40; round++) {
      const { set } = await memory.harvest(Client.Migration);
      taken += set.pages;
      set.dispose();
    }
    const turned = [0, 0, 0];
    for (const vcpu of vcpus) {
      for (const [client, count] of ((await vcpu.stop()) as number[]).entries()) turned[client]! += count;
    }
    const [vga, code, migration] = CLIENTS.map((client) => memory.harvestUnsynchronized(client).set.pages);
    expect(turned).to.deep.equal([vga, code, taken + (migration ?? 0)]);
    expect(taken).to.be.above(40);
  });

  it('collects from threads while RAM is plugged and unplugged beside them', async () => {
    const vcpus = [await attached('vcpu0'), await attached('vcpu1')];
    for (const vcpu of vcpus) await vcpu.begin('storeAndMark');
    for (let round = 0; round < 30; round++) {
      const dimm = memory.ram.plug({ id: 'dimm1', size: 192 * PAGE });
      const unplugged = memory.ram.unplug(dimm);
      const { set } = await memory.harvest(Client.Migration);
      await unplugged;
      for (const page of copyPages(set)) expect(page).to.be.below(PAGES);
    }
    for (const vcpu of vcpus) await vcpu.stop();
    copyPages(memory.harvestUnsynchronized(Client.Migration).set);
    expect(differing()).to.deep.equal([]);
    expect(memory.stats().shrinks).to.equal(30);
  });
});
