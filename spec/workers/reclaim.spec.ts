import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { CREATING, Header, Slot, Slots } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { type ArenaHandle, DirtyMemory, UsageError, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { foreignVcpu, PAGE, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';
import type { OwnersPlace } from './abandoning-owner.js';

const byteOffset = 4096;

describe('an engine whose owner’s thread has died', () => {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  let handle: ArenaHandle;
  let owner: Worker;

  const start = async (limit?: number): Promise<void> => {
    const workerData: OwnersPlace = { memory, byteOffset, ...(limit === undefined ? {} : { limit }) };
    owner = new Worker(new URL('./abandoning-owner.js', import.meta.url), { workerData });
    [handle] = (await once(owner, 'message')) as [ArenaHandle];
  };
  afterEach(async () => {
    await endThreads();
    await owner.terminate();
    new Words(memory.buffer, 0, memory.buffer.byteLength / 4).fill(0, memory.buffer.byteLength / 4, 0);
  });

  const next = (at = byteOffset): DirtyMemory => smallEngine({ memory, byteOffset: at });

  it('keeps its bytes until it is reclaimed, and the refusal says so', async () => {
    await start();
    await owner.terminate();
    for (const at of [byteOffset, 0, byteOffset + 64]) {
      expectThrow(() => next(at), RangeError, `byteOffset ${byteOffset}`, 'not closed', 'DirtyMemory.reclaim');
    }
    expect(DirtyMemory.reclaim({ memory, byteOffset })).to.deep.equal([]);
    expect(DirtyMemory.reclaim({ memory, byteOffset }), 'again').to.deep.equal([]);
    const engine = next();
    engine.ram.plug({ id: 'ram', size: PAGE });
    expect(attachVcpu(engine.handle).isDirty(0, PAGE, VGA)).to.equal(true);
    expectThrow(() => attachVcpu(handle), UsageError, 'another one was created in its place');
  });

  it('has its readers throw from their next quiescent state on, and leaves the bytes free when they have left', async () => {
    await start();
    const vcpu = await RemoteVcpu.attached(handle, 'survivor');
    const sleeper = attachVcpu(handle, { name: 'here', identity: 4711 });
    await owner.terminate();
    const left = DirtyMemory.reclaim({ memory, byteOffset });
    expect(left.map(({ name, identity }) => [name, identity])).to.have.deep.members([
      ['survivor', vcpu.identity],
      ['here', 4711],
    ]);
    expect(sleeper.mark(0), 'its interval goes on').to.equal(0);
    sleeper.quiescent();
    expectThrow(() => sleeper.mark(0), UsageError, 'closed');
    sleeper.detach();
    expectThrow(() => next(), RangeError, 'still attached', `identity ${vcpu.identity}`);
    await vcpu.call('detach');
    next();
  });

  it('wakes a reader that sleeps for a limit, which nobody else would lift', async () => {
    await start(1);
    const vcpu = await RemoteVcpu.attached(handle, 'sleeper');
    const minute = 60;
    for (let page = 0; page < minute; page++) await vcpu.call('mark', page * PAGE);
    const slept = vcpu.call('quiescent');
    const state = new Words(memory.buffer, byteOffset, 2 ** 10);
    while (state.load(Slots.first + Slot.State) !== 0) await new Promise((resolve) => setImmediate(resolve));
    await owner.terminate();
    DirtyMemory.reclaim({ memory, byteOffset });
    await slept;
  });

  it('has readers that died with it, or since, retired by name', async () => {
    await start();
    const dead = await RemoteVcpu.attached(handle, 'dead');
    await dead.begin('section');
    await Promise.all([owner.terminate(), dead.worker.terminate()]);
    expect(DirtyMemory.reclaim({ memory, byteOffset }).map(({ name }) => name)).to.deep.equal(['dead']);
    expectThrow(() => next(), RangeError, 'still attached', `identity ${dead.identity}`, 'reclaim');
    expect(DirtyMemory.reclaim({ memory, byteOffset, gone: [dead.identity] })).to.deep.equal([]);
    next();
  });
});

describe('reclaiming', () => {
  it('ends what a thread has left that was killed while it created an engine', () => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
    const words = new Int32Array(memory.buffer);
    words[Header.Magic] = CREATING;
    expectThrow(() => smallEngine({ memory }), UsageError, 'DirtyMemory.reclaim');
    expect(DirtyMemory.reclaim({ memory })).to.deep.equal([]);
    smallEngine({ memory });
  });

  it('gives a place back to the closed engine, and to its readers, whose next engine’s creation was cut short', async () => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
    const first = smallEngine({ memory });
    const vcpu = foreignVcpu(first);
    vcpu.goOffline();
    await first.close();
    new Int32Array(memory.buffer)[Header.Magic] = CREATING;
    expect(DirtyMemory.reclaim({ memory }).map(({ identity }) => identity)).to.deep.equal([4711]);
    expectThrow(() => smallEngine({ memory }), RangeError, 'still attached', 'identity 4711');
    vcpu.detach();
    smallEngine({ memory });
  });

  it('is refused for an engine of the calling thread, and where there is none', () => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
    expectThrow(
      () => DirtyMemory.reclaim({ memory }),
      RangeError,
      'DirtyMemory.reclaim',
      'magic',
      'not a dirtymem arena',
    );
    const engine = smallEngine({ memory });
    expectThrow(() => DirtyMemory.reclaim({ memory }), UsageError, 'DirtyMemory.reclaim', "this thread's own", 'close');
    engine.ram.plug({ id: 'ram', size: PAGE });
    expect(attachVcpu(engine.handle).isDirty(0, PAGE, VGA)).to.equal(true);
    for (const wrong of [65, -64, 0.5, 2 ** 20]) {
      const call = (): unknown => DirtyMemory.reclaim({ memory, byteOffset: wrong });
      expectThrow(call, RangeError, 'DirtyMemory.reclaim', 'byteOffset', wrong);
    }
  });
});
