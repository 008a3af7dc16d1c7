/** What an engine leaves behind when it is closed, and its worker lives on. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { type DirtyMemory, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';
import { heldOf } from './garbage.js';

describe('an engine that was closed while its worker lives on', () => {
  let worker: Worker;

  before(async () => {
    worker = new Worker('setInterval(() => {}, 1e6);', { eval: true });
    await once(worker, 'online');
  });
  after(() => worker.terminate());
  afterEach(endThreads);

  /** What the engine is made of that takes memory. */
  const parts = (engine: DirtyMemory): object[] => [engine, engine.handle.memory, engine.handle.memory.buffer];

  const uses: [what: string, use: (engine: DirtyMemory) => void | Promise<void>][] = [
    ['was supervising it', (engine) => engine.supervise(worker)],
    ['has collected, and has spare blocks', async (engine) => (await engine.harvest(VGA)).set.dispose()],
    ['has a reader on this thread that never detached', (engine) => void attachVcpu(engine.handle).quiescent()],
    ['had listeners', (engine) => engine.on('stall', () => {})],
    ['has measured', async (engine) => void (await engine.measureDirtyRate({ windowMs: 1 }))],
    ['had callbacks', async (engine) => engine.rcu.barrier()],
  ];
  for (const [what, use] of uses) {
    it(`is garbage with all its memory, though it ${what}`, async () => {
      const held = await heldOf(async () => {
        const engine = smallEngine({ debug: false });
        engine.ram.plug({ id: 'ram', size: 100 * PAGE });
        await use(engine);
        await engine.close();
        return parts(engine);
      });
      expect(held).to.equal(0);
    });
  }

  it('is garbage also where it was dropped, not closed', async () => {
    const held = await heldOf(async () => {
      const engine = smallEngine();
      engine.ram.plug({ id: 'ram', size: PAGE });
      engine.supervise(worker);
      attachVcpu(engine.handle);
      return parts(engine);
    });
    expect(held).to.equal(0);
  });

  it('adds no listener to the worker beside that of the first engine', async () => {
    for (let i = 0; i < 12; i++) {
      const engine = smallEngine();
      engine.supervise(worker);
      await engine.close();
    }
    expect(worker.listenerCount('exit')).to.equal(1);
  });

  it('has the worker’s readers retired when that ends, so that the memory can be used again', async () => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
    const vcpu = await heldVcpu(memory);
    expectThrow(() => smallEngine({ memory }), RangeError, 'still attached', `identity ${vcpu.identity}`);
    await vcpu.worker.terminate();
    await smallEngine({ memory }).close();
  });

  /** A supervised vCPU, attached to an engine in the memory that is closed, and that nobody holds. */
  async function heldVcpu(memory: WebAssembly.Memory): Promise<RemoteVcpu> {
    let vcpu: RemoteVcpu | undefined;
    const held = await heldOf(async () => {
      const engine = smallEngine({ memory });
      vcpu = await RemoteVcpu.attached(engine.handle, 'vcpu');
      await vcpu.call('goOffline');
      engine.supervise(vcpu.worker);
      await engine.close();
      return [engine];
    });
    expect(held).to.equal(0);
    return vcpu as RemoteVcpu;
  }
});
