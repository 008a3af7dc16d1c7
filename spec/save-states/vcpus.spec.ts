import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { MIGRATION } from '../../lib/index.js';
import { beginChain, continueChain, fileStore, memoryStore, type StateStore } from '../../lib/save-states/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import type { Image } from '../support/migration/machines.js';
import { VcpuMachine } from '../support/migration/vcpu-machine.js';
import { FailingStore, restored, SavedMachine } from '../support/save-states/states.js';

/** A machine that keeps what it was when it was last stopped: for the specs alone. */
class WatchedMachine extends VcpuMachine {
  moment: Image | undefined;

  override saveState(): Uint8Array {
    this.moment = this.image();
    return super.saveState();
  }
}

describe('A machine whose vCPUs store while its states are saved', () => {
  let machine: WatchedMachine;
  let folder: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-states-'));
    machine = new WatchedMachine(smallEngine({ pagesPerBlock: 256, arenaBytes: 2 ** 20, maxReaders: 8 }));
    machine.plug('low', 1000, 0);
    machine.plug('high', 1000, 1024 * PAGE);
    await machine.startVcpu('low', 200);
    await machine.startVcpu('high', 900);
  });

  afterEach(async () => {
    await machine.stop();
    rmSync(folder, { recursive: true });
  });

  const stores: Record<string, () => StateStore> = {
    memory: () => memoryStore(),
    'a file': () => fileStore(join(folder, 'machine.states')),
  };
  for (const [what, storeOf] of Object.entries(stores)) {
    itInBothForms(`has each state in ${what} as it was when they stood still`, 6, 60, async (rounds) => {
      const store = storeOf();
      const chain = await beginChain(machine, store);
      const moments: Image[] = [];
      for (let round = 0; round < rounds; round++) {
        const { sequence, pages } = await chain.save();
        expect(pages).to.be.at.least(1);
        moments[sequence] = machine.moment as Image;
        // Others collect beside it, while the vCPUs run.
        (await machine.memory.harvest(MIGRATION)).set.dispose();
        const { image } = await restored(store, { pageSize: PAGE });
        expectSame(image, moments[sequence] as Image);
        if (round % 5 === 4) await chain.compact();
      }
      const { image, end } = await restored(store, { pageSize: PAGE });
      expect(end).to.equal('complete');
      expectSame(image, moments.at(-1) as Image);
    });
  }

  itInBothForms('loses no page when saves fail at any place, and RAM comes and goes', 12, 30, async (rounds) => {
    const kept = memoryStore();
    const store = new FailingStore(kept);
    const chain = await beginChain(machine, store, { compress: true });
    let failed = 0;
    for (let round = 0; round < rounds; round++) {
      const spare = machine.plug('spare', 8, 4000 * PAGE);
      machine.vcpu.quiescent();
      store.left = round % 3 === 2 ? Infinity : round * 977;
      const saved = await chain.save().then(
        () => true,
        () => false,
      );
      if (saved) expectSame((await restored(kept, { pageSize: PAGE })).image, machine.moment as Image);
      else failed++;
      await machine.unplug(spare);
    }
    expect(failed)
      .to.be.at.least(3)
      .and.at.most(rounds - 3);
  });

  it('goes on in another engine, from the file, with vCPUs of its own', async () => {
    const path = join(folder, 'machine.states');
    await (await beginChain(machine, fileStore(path))).save();
    await machine.stop();
    const saved = machine.moment as Image;
    const again = new SavedMachine({ pageSize: PAGE, arenaBytes: 2 ** 20 });
    const next = await continueChain(again.arriving, fileStore(path));
    expectSame(again.image(), saved);
    machine = new WatchedMachine(again.memory);
    machine.contents = (block) => again.contents(block);
    await machine.startVcpu('low', 50);
    const other = await beginChain(machine, memoryStore());
    await other.save();
    await machine.stop();
    await next.save();
    expectSame((await restored(fileStore(path), { pageSize: PAGE })).image, again.image());
  });
});

function expectSame(some: Image, other: Image): void {
  expect(Object.keys(some.ram)).to.deep.equal(Object.keys(other.ram));
  for (const [id, { offset, bytes }] of Object.entries(some.ram)) {
    expect(offset).to.equal(other.ram[id]!.offset);
    expect(Buffer.compare(bytes, other.ram[id]!.bytes), id).to.equal(0);
  }
  expect(some.devices).to.deep.equal(other.devices);
}
