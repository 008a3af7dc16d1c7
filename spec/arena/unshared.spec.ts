import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { MessageChannel, Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { Client, DirtyMemory, NoSharedMemoryError, UsageError } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

const KINDS = ['auto', 'wasm', 'atomics'] as const;

describe('an engine of one thread', () => {
  for (const kernel of KINDS) {
    it(`lives in a plain ArrayBuffer and has the kernel that a shared one has: ${kernel}`, async () => {
      const memory = DirtyMemory.create({ shared: false, kernel });
      expect(memory.handle.memory.buffer).to.be.instanceOf(ArrayBuffer);
      expect(memory.stats().kernel).to.equal(DirtyMemory.create({ kernel }).stats().kernel);
      memory.ram.plug({ id: 'ram', size: 3 * PAGE });
      const vcpu = attachVcpu(memory.handle);
      (await memory.harvest(Client.Migration)).set.dispose();
      vcpu.mark(2 * PAGE);
      const { set } = await memory.harvest(Client.Migration);
      expect([...set.runs()]).to.deep.equal([{ start: 2 * PAGE, length: PAGE }]);
      vcpu.detach();
      await memory.close();
    });
  }

  it('reserves what every bitmap could need, like a shared one, and takes no more of it', async () => {
    const code = `
      import { DirtyMemory } from '${new URL('../../lib/index.ts', import.meta.url).href}';
      const before = process.memoryUsage().rss;
      const memory = DirtyMemory.create({ shared: false });
      memory.ram.plug({ id: 'ram', size: 2 ** 30 });
      console.log(memory.stats().arenaBytesReserved, process.memoryUsage().rss - before);`;
    const register = new URL('../../scripts/register.mjs', import.meta.url).href;
    const arguments_ = ['--import', register, '--input-type=module', '--eval', code];
    const { stdout } = await promisify(execFile)(process.execPath, arguments_);
    const [reserved, resident] = stdout.split(' ').map(Number) as [number, number];
    expect(reserved).to.equal(DirtyMemory.create().stats().arenaBytesReserved);
    expect(resident).to.be.below(reserved / 20);
  });

  it('ends a blocking wait at once, for its readers are all here', async () => {
    const memory = smallEngine({ shared: false });
    const vcpu = attachVcpu(memory.handle);
    memory.rcu.synchronizeBlocking();
    expect(memory.stats().gracePeriods).to.equal(1);
    vcpu.readLock();
    expectThrow(() => memory.rcu.synchronizeBlocking(), UsageError, 'read-side section');
    await expectReject(() => memory.rcu.synchronize(), UsageError, 'read-side section');
  });

  it('cannot be sent to another thread', () => {
    const { handle } = smallEngine({ shared: false });
    const { port1 } = new MessageChannel();
    for (const send of [
      () => port1.postMessage(handle),
      () => structuredClone(handle),
      () => new Worker('', { eval: true, workerData: { dirty: handle } }),
    ]) {
      expect(send).to.throw(DOMException, 'could not be cloned').with.property('name', 'DataCloneError');
    }
    port1.close();
    const copy = { ...handle, memory: structuredClone(handle.memory.buffer) as never };
    expectThrow(() => attachVcpu(copy), TypeError, 'attachVcpu', 'handle.memory', '[object ArrayBuffer]');
  });

  it("lives in the embedder's memory, with a maximum or without", async () => {
    for (const memory of [
      new WebAssembly.Memory({ initial: 2 }),
      new WebAssembly.Memory({ initial: 2, maximum: 100 }),
    ]) {
      const engine = smallEngine({ memory, byteOffset: 64, shared: false });
      expect(engine.stats().kernel).to.equal('wasm');
      engine.ram.plug({ id: 'ram', size: 5 * PAGE });
      expect((await engine.harvest(Client.Vga)).added).to.equal(5);
    }
  });

  it('has nothing to do in turns of its own once its memory has been grown', async () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    const engine = smallEngine({ memory, shared: false, debug: false });
    engine.ram.plug({ id: 'ram', size: 5 * PAGE });
    const { set } = await engine.harvest(Client.Vga);
    const uncaught: unknown[] = [];
    const listeners = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    set.dispose();
    engine.rcu.callRcu(() => {});
    memory.grow(1);
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setTimeout(resolve, 1));
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(uncaught).to.deep.equal([]);
  });

  it('throws at every call once its memory has been grown, which took the buffer away', async () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    const engine = smallEngine({ memory, shared: false, debug: false });
    engine.ram.plug({ id: 'ram', size: 5 * PAGE });
    const vcpu = attachVcpu(engine.handle);
    vcpu.mark(0);
    await engine.rcu.barrier();
    memory.grow(1);
    for (const call of [
      () => engine.isDirty(0, 1, Client.Vga),
      () => engine.setDirty(0, Client.Vga),
      () => engine.harvestUnsynchronized(Client.Vga),
      () => engine.ram.plug({ id: 'more', size: PAGE }),
      () => engine.createPageSet(),
    ]) {
      expectThrow(call, UsageError, 'grown');
    }
    await expectReject(() => engine.harvest(Client.Vga), UsageError, 'harvest', 'grown');
    await expectReject(() => engine.rcu.synchronize(), UsageError, 'synchronize', 'grown');
    for (const call of [() => vcpu.mark(0), () => vcpu.isDirty(0, 1, Client.Vga)])
      expectThrow(call, UsageError, 'grown');
    expectThrow(() => vcpu.quiescent(), TypeError, 'detached');
  });
});

describe('where there is no SharedArrayBuffer, as in a page that is not cross-origin isolated', () => {
  const taken = globalThis.SharedArrayBuffer;
  const sharedMemory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  before(() => {
    Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
  });
  after(() => {
    globalThis.SharedArrayBuffer = taken;
  });

  it('an engine that is to be shared is refused, and told what a page must be served with', () => {
    for (const options of [{}, { shared: true }, { memory: sharedMemory }]) {
      expectThrow(
        () => smallEngine(options),
        NoSharedMemoryError,
        'DirtyMemory.create',
        'SharedArrayBuffer',
        'Cross-Origin-Opener-Policy: same-origin',
        'Cross-Origin-Embedder-Policy: require-corp',
        'shared: false',
      );
    }
  });

  it('an engine of one thread works', async () => {
    const memory = smallEngine({ shared: false });
    const vcpu = attachVcpu(memory.handle);
    const dimm = memory.ram.plug({ id: 'ram', size: 3 * PAGE });
    expect((await memory.harvest(Client.Code)).added).to.equal(3);
    expect(vcpu.mark(PAGE)).to.equal(1 << Client.Code);
    await memory.ram.unplug(dimm);
    vcpu.detach();
    await memory.close();
  });
});
