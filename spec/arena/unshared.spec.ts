import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { MessageChannel, Worker } from 'node:worker_threads';
import { expect } from 'chai';
import {
  CODE,
  DirtyMemory,
  MIGRATION,
  NoSharedMemoryError,
  type PageSet,
  type Tracking,
  UsageError,
  VGA,
} from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
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
      (await memory.harvest(MIGRATION)).set.dispose();
      vcpu.mark(2 * PAGE);
      const { set } = await memory.harvest(MIGRATION);
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
      expect((await engine.harvest(VGA)).added).to.equal(5);
    }
  });

  it('has nothing to do in turns of its own once its memory has been grown', async () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    const engine = smallEngine({ memory, shared: false, debug: false });
    engine.ram.plug({ id: 'ram', size: 5 * PAGE });
    const { set } = await engine.harvest(VGA);
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

  describe('whose memory has been grown, which took the buffer away,', () => {
    let engine: DirtyMemory;
    let vcpu: Vcpu;
    let set: PageSet;
    let runs: ReturnType<PageSet['runs']>;
    let tracking: Tracking;
    let cookie: number;

    /** @param quiescent whether the reader has reported since its last mark, or has a bitmap block in its cache */
    const grow = async (quiescent: boolean): Promise<void> => {
      const memory = new WebAssembly.Memory({ initial: 2 });
      engine = smallEngine({ memory, shared: false, debug: false });
      engine.ram.plug({ id: 'ram', size: 80 * PAGE });
      tracking = await engine.track(VGA);
      set = engine.whileStopped.harvest(CODE).set;
      runs = set.runs();
      runs.next();
      vcpu = attachVcpu(engine.handle);
      cookie = engine.rcu.startPoll();
      if (quiescent) await engine.rcu.barrier();
      else vcpu.mark(0);
      memory.grow(1);
    };

    const readerCalls: [name: string, call: () => unknown][] = [
      ['mark', () => vcpu.mark(0)],
      ['mark', () => vcpu.mark(70 * PAGE)],
      ['markPage', () => vcpu.markPage(1, CODE)],
      ['markRange', () => vcpu.markRange(0, 4, 7)],
      ['isDirty', () => vcpu.isDirty(0, 1, VGA)],
      ['allDirty', () => vcpu.allDirty(0, 1, VGA)],
      ['includesClean', () => vcpu.includesClean(0, 1, 7)],
      ['quiescent', () => vcpu.quiescent()],
      ['kicked', () => vcpu.kicked],
      ['goOffline', () => vcpu.goOffline()],
      ['goOffline', () => vcpu.offline(() => {})],
    ];
    const ownerCalls: [name: string, call: () => unknown][] = [
      ['isDirty', () => engine.isDirty(0, 1, VGA)],
      ['setDirty', () => engine.setDirty(0, VGA)],
      ['whileStopped.harvest', () => engine.whileStopped.harvest(VGA)],
      ['plug', () => engine.ram.plug({ id: 'more', size: PAGE })],
      ['createPageSet', () => engine.createPageSet()],
      ['limitDirtyRate', () => engine.limitDirtyRate(5)],
      ['stats', () => engine.stats()],
      ['retire', () => engine.retire(5)],
      ['poll', () => engine.rcu.poll(cookie)],
      ['startPoll', () => engine.rcu.startPoll()],
      ['kick', () => engine.rcu.kick()],
      ['holdouts', () => engine.rcu.holdouts()],
      ['callRcu', () => engine.rcu.callRcu(() => {})],
      ['synchronizeBlocking', () => engine.rcu.synchronizeBlocking()],
      ['has', () => set.has(0, 1)],
      ['delete', () => set.delete(0, 1)],
      ['pages', () => set.pages],
      ['runs', () => set.runs().next()],
      ['runs', () => runs.next()],
    ];
    const promises: [name: string, call: () => Promise<unknown>][] = [
      ['harvest', () => engine.harvest(VGA)],
      ['synchronize', () => engine.rcu.synchronize()],
      ['measureDirtyRate', () => engine.measureDirtyRate({ windowMs: 1 })],
      ['track', () => engine.track(VGA)],
      ['stop', () => tracking.stop()],
      ['close', () => engine.close()],
    ];
    for (const quiescent of [true, false]) {
      it(`throws the same error at every call, ${quiescent ? 'after' : 'before'} the reader’s next quiescent state`, async () => {
        await grow(quiescent);
        for (const [name, call] of [...readerCalls, ...ownerCalls]) expectThrow(call, UsageError, name, 'grown');
        for (const [name, call] of promises) await expectReject(call, UsageError, name, 'grown');
      });
    }

    it('lets its readers detach, and its page sets be disposed of', async () => {
      await grow(false);
      vcpu.detach();
      expectThrow(() => vcpu.mark(0), UsageError, 'mark', 'detached');
      expectThrow(() => vcpu.quiescent(), UsageError, 'quiescent', 'grown');
      vcpu.detach();
      set.dispose();
    });

    it('refuses a reader that was offline to come online', async () => {
      const memory = new WebAssembly.Memory({ initial: 2 });
      const vcpu = attachVcpu(smallEngine({ memory, shared: false }).handle);
      vcpu.goOffline();
      memory.grow(1);
      expectThrow(() => vcpu.goOnline(), UsageError, 'goOnline', 'grown');
      expect(vcpu.online).to.equal(false);
    });
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

  const pages: [what: string, page: object, ...parts: string[]][] = [
    ['a browser that withholds it', { crossOriginIsolated: true, isSecureContext: true, document: {} }, 'withholds'],
    [
      'a page that is no secure context',
      { crossOriginIsolated: false, isSecureContext: false, document: {}, location: { origin: 'http://10.0.0.1' } },
      'http://10.0.0.1',
      'not a secure context',
      'https',
    ],
    [
      'a worker that is not isolated',
      { crossOriginIsolated: false, isSecureContext: true, WorkerGlobalScope: {} },
      'This worker',
      'its page',
    ],
    [
      'a page that comes without the headers',
      { crossOriginIsolated: false, isSecureContext: true, document: {} },
      'Cross-Origin-Opener-Policy: same-origin',
    ],
  ];
  for (const [what, page, ...parts] of pages) {
    it(`an engine that is to be shared is refused, and told why, in ${what}`, () => {
      const names = Object.keys(page);
      const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
      for (const [name, value] of Object.entries(page)) {
        Object.defineProperty(globalThis, name, { value, configurable: true });
      }
      try {
        expectThrow(() => smallEngine(), NoSharedMemoryError, 'DirtyMemory.create', 'shared: false', ...parts);
        const { message } = new NoSharedMemoryError('x');
        expect(message.includes('Cross-Origin-Embedder-Policy')).to.equal(what !== 'a browser that withholds it');
      } finally {
        names.forEach((name, i) => {
          Reflect.deleteProperty(globalThis, name);
          const old = before[i];
          if (old !== undefined) Object.defineProperty(globalThis, name, old);
        });
      }
    });
  }

  it('an engine of one thread works', async () => {
    const memory = smallEngine({ shared: false });
    const vcpu = attachVcpu(memory.handle);
    const dimm = memory.ram.plug({ id: 'ram', size: 3 * PAGE });
    expect((await memory.harvest(CODE)).added).to.equal(3);
    expect(vcpu.mark(PAGE)).to.equal(CODE);
    await memory.ram.unplug(dimm);
    vcpu.detach();
    await memory.close();
  });
});
