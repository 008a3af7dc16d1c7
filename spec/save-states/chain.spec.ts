import { expect } from 'chai';
import { ArenaFullError, MIGRATION, type PageSet, UsageError } from '../../lib/index.js';
import {
  beginChain,
  continueChain,
  type MemoryStore,
  memoryStore,
  SaveStateError,
  type StateChain,
  type StoppableMachine,
} from '../../lib/save-states/index.js';
import { foreignVcpu, reportUntil } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';
import { FailingStore, SMALL_PAGE as PAGE, restored, SavedMachine } from '../support/save-states/states.js';

describe('A chain of save states', () => {
  let machine: SavedMachine;
  let store: MemoryStore;
  let chain: StateChain;

  beforeEach(async () => {
    machine = new SavedMachine();
    store = memoryStore();
    chain = await beginChain(machine, store);
  });

  async function expectRestored(sequence: number): Promise<void> {
    expect(await restored(store)).to.deep.equal({ image: machine.image(), sequence, end: 'complete' });
  }

  it('Firecracker #5705: clean heads and tails, zeroes, and blocks that touch: each byte is where it was', async () => {
    machine.plug('low', 70, 0);
    machine.plug('touching', 3, 70 * PAGE);
    machine.plug('beyond a gap', 130, 200 * PAGE);
    machine.fill(69 * PAGE + 60, 1, 2, 3, 4);
    machine.store(70 * PAGE, 5);
    await chain.save();
    await expectRestored(0);
    const places = [0, 1, 63, 64, 69 * PAGE + 63, 70 * PAGE, 72 * PAGE, 200 * PAGE, 263 * PAGE + 63, 329 * PAGE + 63];
    for (const [i, addr] of places.entries()) {
      machine.store(addr, 9);
      expect(await chain.save()).to.include({ sequence: i + 1, pages: 1 });
      await expectRestored(i + 1);
    }
  });

  it('has only what was stored since the last state, whatever others collect', async () => {
    machine.plug('ram', 1000);
    machine.fill(0, ...new Array(1000 * PAGE).fill(7));
    const base = await chain.save();
    expect(base.bytes).to.be.greaterThan(1000 * PAGE);
    machine.store(500 * PAGE, 8);
    machine.memory.whileStopped.harvest(MIGRATION).set.dispose();
    machine.store(501 * PAGE, 8);
    const { bytes, pages } = await chain.save();
    expect(pages).to.equal(2);
    expect(bytes).to.be.lessThan(7 * PAGE);
    expect(chain.bytes)
      .to.equal(base.bytes + bytes)
      .and.to.equal(store.bytes.length);
    await expectRestored(1);
    expect((await chain.save()).pages).to.equal(0);
    await expectRestored(2);
  });

  it('begins in a store that has something in it only when it is told to overwrite it', async () => {
    machine.plug('ram', 10);
    await chain.save();
    const { bytes } = store;
    const second = new SavedMachine();
    await expectReject(() => beginChain(second, store), UsageError, 'beginChain', 'continueChain', 'overwrite: true');
    expect(store.bytes).to.deep.equal(bytes);
    second.plug('other', 5);
    const anew = await beginChain(second, store, { overwrite: true });
    expect(store.bytes, 'until the first state is whole').to.deep.equal(bytes);
    await anew.save();
    expect((await restored(store)).image).to.deep.equal(second.image());
  });

  it('has no part that is discarded, and has it anew when it is populated', async () => {
    const block = machine.plug('ram', 100);
    machine.fill(0, ...new Array(100 * PAGE).fill(7));
    await chain.save();
    await block.discard(20 * PAGE, 30 * PAGE);
    expect((await chain.save()).pages).to.equal(0);
    await expectRestored(1);
    block.populate(20 * PAGE, 10 * PAGE);
    machine.store(25 * PAGE, 9);
    expect((await chain.save()).pages).to.equal(10);
    await expectRestored(2);
  });

  it('has no part that is discarded after a state that failed had it to save', async () => {
    const failing = new FailingStore(memoryStore());
    chain = await beginChain(machine, failing);
    const block = machine.plug('ram', 100);
    machine.fill(0, ...new Array(100 * PAGE).fill(7));
    failing.left = 100;
    await expectReject(() => chain.save(), SaveStateError, 'ENOSPC');
    failing.left = Infinity;
    await block.discard(20 * PAGE, 30 * PAGE);
    expect((await chain.save()).pages).to.equal(70);
    expect((await restored(failing)).image).to.deep.equal(machine.image());
  });

  it('has all of a block that has another size', async () => {
    const block = machine.plug('ram', 100, 0, 50);
    machine.fill(0, ...new Array(100 * PAGE).fill(7));
    await chain.save();
    await machine.memory.ram.resize(block, 60 * PAGE);
    expect((await chain.save()).pages).to.equal(60);
    await expectRestored(1);
    await machine.memory.ram.resize(block, 150 * PAGE);
    machine.store(149 * PAGE, 3);
    await chain.save();
    await expectRestored(2);
  });

  it('a page that has turned to zeroes is zeroes again; zeroes that were zeroes are not written', async () => {
    machine.plug('ram', 1000);
    const { bytes } = await chain.save();
    expect(bytes).to.be.lessThan(300);
    for (const value of [1, 0, 0, 2, 0]) {
      machine.fill(50 * PAGE, ...new Array(PAGE).fill(value));
      await chain.save();
      expect((await restored(store)).image).to.deep.equal(machine.image());
    }
  });

  for (const pageSize of [16, 2 ** 17, 2 ** 21]) {
    it(`pages of ${pageSize} bytes are there whole`, async () => {
      machine = new SavedMachine({ pageSize });
      store = memoryStore();
      chain = await beginChain(machine, store);
      machine.plug('ram', 3);
      const addrs = [0, pageSize - 1, 2 * pageSize, 3 * pageSize - 1];
      for (const addr of addrs) machine.store(addr, 9);
      await chain.save();
      machine.store(pageSize + 15, 8);
      await chain.save();
      const { image } = await restored(store, { pageSize });
      expect(Buffer.compare(image.ram.ram!.bytes, machine.image().ram.ram!.bytes)).to.equal(0);
    });
  }

  it('contents of many records, and a machine of many pieces, are put together again', async () => {
    machine.plug('ram', 4000);
    machine.memory.setDirtyRange(0, 4000 * PAGE, MIGRATION);
    const bytes = machine.contents(machine.memory.ram.get('ram')!);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7 + (i >> 8)) | 1;
    machine.devices = Uint8Array.from({ length: 2 ** 21 + 5 }, (_, i) => i * 13);
    await chain.save();
    await expectRestored(0);
    machine.devices = new Uint8Array();
    await chain.save();
    await expectRestored(1);
  });

  it('QEMU 9c1f8f44: RAM plugged since is saved whole; of RAM that is gone nothing is left in its place', async () => {
    machine.plug('dimm0', 10, 0);
    const dimm1 = machine.plug('dimm1', 10, 10 * PAGE);
    machine.fill(12 * PAGE, 1, 2, 3);
    await chain.save();
    await machine.unplug(dimm1);
    await chain.save();
    await expectRestored(1);
    machine.plug('dimm1', 10, 10 * PAGE);
    machine.plug('dimm2', 10, 100 * PAGE);
    machine.store(101 * PAGE, 4);
    await chain.save();
    await expectRestored(2);
  });

  it('RAM that was unplugged and plugged again between two states, in its place, with its id, is not what it was', async () => {
    const dimm = machine.plug('dimm', 10);
    machine.fill(2 * PAGE, 1, 2, 3);
    await chain.save();
    await machine.unplug(dimm);
    machine.plug('dimm', 10);
    machine.store(4 * PAGE, 5);
    await chain.save();
    await expectRestored(1);
  });

  it('a machine that saves its state stores into RAM: it is in the state', async () => {
    machine.plug('ram', 10);
    machine.saveState = () => {
      machine.state = 'running';
      machine.store(3 * PAGE, 77);
      machine.state = 'paused';
      return machine.devices;
    };
    await chain.save();
    expect((await restored(store)).image.ram.ram!.bytes[3 * PAGE]).to.equal(77);
    expect((await chain.save()).pages).to.equal(1);
  });

  it('a machine that uses the bytes of its state again when it runs on has saved what they were', async () => {
    machine.plug('ram', 10);
    const bytes = new Uint8Array(100).fill(5);
    machine.saveState = () => bytes;
    machine.resume = () => void bytes.fill(6);
    await chain.save();
    expect((await restored(store)).image.devices).to.deep.equal(new Uint8Array(100).fill(5));
  });

  it('RAM that comes while the machine saves its state has the state saved again', async () => {
    machine.plug('ram', 10);
    let times = 0;
    machine.saveState = () => {
      if (++times < 3) machine.plug(`dimm${times}`, 1);
      return Uint8Array.of(times);
    };
    await chain.save();
    expect((await restored(store)).image.devices).to.deep.equal(Uint8Array.of(3));
    const stoppable: StoppableMachine = machine;
    stoppable.saveState = async () => {
      const dimm = machine.memory.ram.get('dimm');
      if (dimm === undefined) machine.plug('dimm', 1);
      else await machine.unplug(dimm);
      return Uint8Array.of(times);
    };
    await expectReject(() => chain.save(), SaveStateError, 'RAM came or went 64 times');
  });

  it('pauses the machine for the copy, and not for the writing', async () => {
    machine.plug('ram', 10);
    const { replace } = store;
    store.replace = async (pieces) => {
      machine.log.push('write');
      return replace.call(store, pieces);
    };
    machine.store(0, 1);
    const saved = chain.save();
    await saved;
    expect(machine.log).to.deep.equal(['pause', 'resume', 'write']);
  });

  it('what is stored while a state is written is in the next', async () => {
    machine.plug('ram', 10);
    machine.store(PAGE, 1);
    const before = machine.image();
    const { append, replace } = store;
    const storing = (write: typeof replace) => async (pieces: AsyncIterable<Uint8Array>) => {
      machine.store(PAGE, 2);
      machine.store(5 * PAGE, 3);
      await write.call(store, pieces);
    };
    store.replace = storing(replace);
    await chain.save();
    expect((await restored(store)).image).to.deep.equal(before);
    store.append = append;
    await chain.save();
    await expectRestored(1);
  });

  it('has moments because vCPUs are stopped: pages that are copied after a live harvest are of several', async () => {
    const { memory } = machine;
    const guest = machine.contents(machine.plug('ram', 10));
    const vcpu = foreignVcpu(memory);
    const storeToBoth = (value: number): void => {
      for (const addr of [0, 5 * PAGE]) {
        vcpu.mark(addr);
        guest[addr] = value;
      }
      vcpu.quiescent();
    };
    storeToBoth(1);
    const { set } = await reportUntil(vcpu, memory.harvest(MIGRATION));
    expect(set.has(0, 1) && set.has(5 * PAGE, 1)).to.equal(true);
    const copy = [guest[0]];
    storeToBoth(2);
    copy.push(guest[5 * PAGE]);
    expect(copy, 'the second was never ahead').to.deep.equal([1, 2]);
    expect(memory.isDirty(0, 1, MIGRATION), 'and is collected again').to.equal(true);
    vcpu.detach();
  });

  it('refuses to copy while a vCPU is online, names it, and has the machine go on', async () => {
    machine.plug('ram', 10);
    const vcpu = foreignVcpu(machine.memory, 'stray');
    await expectReject(
      () => chain.save(),
      TypeError,
      "save: every reader of another thread must be offline once the machine's pause has resolved",
      "online are 'stray'",
      'A thread goes offline by its own offline(...)',
      'retire(identity)',
    );
    expect(machine.log).to.deep.equal(['pause', 'resume']);
    vcpu.goOffline();
    await chain.save();
    await expectRestored(0);
    vcpu.detach();
  });

  it('says that the save had no room, where the arena is full, and saves when there is some', async () => {
    machine.plug('ram', 10);
    const { memory } = machine;
    const sets: PageSet[] = [];
    const fill = (): void => {
      for (;;) {
        const set = memory.createPageSet();
        sets.push(set);
        set.add(0, 1);
      }
    };
    expectThrow(fill, ArenaFullError, 'add: ');
    await expectReject(() => chain.save(), ArenaFullError, 'save: ', 'the arena is full');
    expect(machine.log).to.deep.equal(['pause', 'resume']);
    for (const set of sets) set.dispose();
    await chain.save();
    await expectRestored(0);
  });

  it('is saved once at a time, and not after it was stopped, which waits', async () => {
    machine.plug('ram', 10);
    const saving = chain.save();
    await expectReject(() => chain.save(), UsageError, 'save: a save of this chain is under way', 'await its promise');
    await expectReject(() => chain.compact(), UsageError, 'compact: a save of this chain is under way');
    const stopping = chain.stop();
    await expectReject(() => chain.save(), TypeError, 'the chain was stopped', 'by continueChain');
    await stopping;
    expect((await saving).sequence).to.equal(0);
    expect(chain.stop()).to.equal(stopping);
    await expectRestored(0);
  });

  it('gives back all that it holds in the arena when it is stopped', async () => {
    const { memory } = machine;
    machine.plug('ram', 300);
    const inUse: number[] = [];
    for (let n = 0; n < 3; n++) {
      const failing = new FailingStore(memoryStore());
      await using other = await beginChain(machine, failing);
      await other.save();
      machine.store(n * PAGE, 1);
      await other.save();
      machine.store(n * PAGE, 2);
      failing.left = 0;
      await expectReject(() => other.save(), SaveStateError);
      await other.stop();
      await memory.rcu.synchronize();
      inUse.push(memory.stats().arenaBytesInUse);
    }
    expect(inUse[2]).to.equal(inUse[1]);
  });

  it('goes on after a restore, and leaves behind what came after the state that was restored', async () => {
    machine.plug('dimm', 10, 0);
    const gone = machine.plug('gone', 10, 100 * PAGE);
    const images = [];
    for (let n = 0; n < 4; n++) {
      machine.fill(2 * PAGE + n, n + 1);
      if (n === 1) machine.store(100 * PAGE, 1);
      if (n === 2) await machine.unplug(gone);
      await chain.save();
      images.push(machine.image());
    }
    for (const [sequence, image] of images.entries()) {
      expect(await restored(store, { sequence })).to.deep.equal({ image, sequence, end: 'asked' });
    }
    const again = new SavedMachine();
    const next = await continueChain(again.arriving, store, { sequence: 2 });
    expect(next.restored).to.deep.equal({
      sequence: 2,
      end: 'asked',
      blocks: [
        { id: 'dimm', offset: 0, size: 10 * PAGE, maxSize: 10 * PAGE, populated: [{ start: 0, length: 10 * PAGE }] },
      ],
    });
    expect(again.image()).to.deep.equal(images[2]);
    again.store(7 * PAGE, 77);
    again.plug('new', 10, 100 * PAGE);
    expect(await next.save()).to.include({ sequence: 3, pages: 11 });
    expect(await restored(store)).to.deep.equal({ image: again.image(), sequence: 3, end: 'complete' });
    expect((await restored(store)).image.ram.new!.bytes[0], 'a number that the chain had before').to.equal(0);
  });

  it('that goes on has what loading the machine has stored', async () => {
    machine.plug('ram', 10);
    await chain.save();
    const again = new SavedMachine();
    const { arriving } = again;
    const next = await continueChain({ ...arriving, loadState: () => again.store(3 * PAGE, 5) }, store);
    expect(await next.save()).to.include({ pages: 1 });
    expect((await restored(store)).image.ram.ram!.bytes[3 * PAGE]).to.equal(5);
  });

  it('does not go on in an engine with other RAM, and says what differs', async () => {
    machine.plug('one', 10, 0);
    machine.plug('two', 10, 10 * PAGE);
    machine.plug('three', 10, 20 * PAGE);
    await chain.save();
    const again = new SavedMachine({ tracked: 0 });
    again.plug('extra', 1, 1000 * PAGE);
    const plug = (place: { id: string; offset: number; size: number }): Uint8Array => {
      if (place.id === 'one') again.plug('one', 5, 0);
      if (place.id === 'two') again.plug('two', 10, 30 * PAGE);
      return new Uint8Array(place.size);
    };
    await expectReject(
      () => continueChain({ ...again.arriving, plug }, store),
      SaveStateError,
      "'one', 0x280 bytes at 0x0, is 0x140 bytes at 0x0 here",
      "'two', 0x280 bytes at 0x280, is 0x280 bytes at 0x780 here",
      "'three', 0x280 bytes at 0x500, is not plugged",
      "'extra', 0x40 bytes at 0xfa00, is not in the state",
    );
    expect(again.memory.tracked, 'it is no user any more').to.equal(0);
  });

  it('does not go on while a vCPU is online', async () => {
    machine.plug('ram', 10);
    await chain.save();
    const again = new SavedMachine();
    const vcpu = foreignVcpu(again.memory, 'early');
    await expectReject(() => continueChain(again.arriving, store), TypeError, "'early'");
    vcpu.detach();
  });

  it('is of an engine of one thread, too', async () => {
    machine = new SavedMachine({ shared: false });
    chain = await beginChain(machine, store);
    machine.plug('ram', 10);
    for (let n = 1; n < 4; n++) {
      machine.store(n * PAGE, n);
      await chain.save();
    }
    await expectRestored(2);
    const again = new SavedMachine({ shared: false });
    const next = await continueChain(again.arriving, store);
    again.store(0, 9);
    expect(await next.save()).to.include({ sequence: 3, pages: 1 });
  });

  it('two chains of one machine do not rob each other', async () => {
    machine.plug('ram', 10);
    const other = memoryStore();
    const second = await beginChain(machine, other);
    for (let n = 1; n < 5; n++) {
      machine.store(n * PAGE, n);
      await chain.save();
      if (n % 2 === 0) await second.save();
    }
    await expectRestored(3);
    expect((await restored(other)).image).to.deep.equal(machine.image());
  });

  it('compressed, is shorter, and the same when it is restored', async () => {
    const bytes = machine.contents(machine.plug('ram', 2000));
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i >> 6) % 200;
    const plain = await chain.save();
    const packed = memoryStore();
    const other = await beginChain(machine, packed, { compress: true });
    expect((await other.save()).bytes).to.be.lessThan(plain.bytes / 4);
    machine.fill(PAGE, ...Array.from({ length: PAGE }, () => Math.floor(Math.random() * 256)));
    await other.save();
    expect(await restored(packed)).to.deep.equal({ image: machine.image(), sequence: 1, end: 'complete' });
  });
});
