import { createContext, runInContext } from 'node:vm';
import { expect } from 'chai';
import { type ArenaHandle, type DirtyMemory, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { dirtyPages, PAGE, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

const realm = createContext({});

/** Evaluated where every built-in constructor is another one, as in an iframe or under a test runner such as Jest. */
function foreign<T>(code: string): T {
  return runInContext(`(${code})`, realm) as T;
}

const memoryThere = (shared: boolean): WebAssembly.Memory =>
  foreign(`new WebAssembly.Memory({ initial: 4, maximum: 4, shared: ${shared} })`);

/** It marks, and a collection finds it. */
async function expectWorks(memory: DirtyMemory, handle: ArenaHandle): Promise<void> {
  memory.ram.plug({ id: 'ram', size: 90 * PAGE });
  memory.whileStopped.harvest(VGA).set.dispose();
  const vcpu = attachVcpu(handle);
  vcpu.mark(70 * PAGE);
  vcpu.markRange(3 * PAGE, 2 * PAGE, 1);
  expect(dirtyPages(memory, VGA)).to.deep.equal([3, 4, 70]);
  const { set } = await memory.harvest(VGA);
  expect(set.pages).to.equal(3);
  set.dispose();
  vcpu.detach();
  await memory.close();
}

describe('objects of another realm', () => {
  it('are not of the classes of this one', () => {
    expect(memoryThere(true)).to.not.be.instanceOf(WebAssembly.Memory);
    expect(memoryThere(false).buffer).to.not.be.instanceOf(ArrayBuffer);
  });

  for (const kernel of ['wasm', 'atomics'] as const) {
    for (const shared of [true, false]) {
      it(`are good for an engine to live in: a memory, ${shared ? '' : 'not '}shared, kernel '${kernel}'`, async () => {
        const memory = smallEngine({ memory: memoryThere(shared), shared, kernel });
        expect(memory.stats().kernel).to.equal(kernel);
        await expectWorks(memory, memory.handle);
      });
    }
  }

  it('are told apart: a memory that is not shared is none that threads could share, and the other way round', () => {
    expectThrow(() => smallEngine({ memory: memoryThere(false) }), TypeError, 'memory must be shared');
    expectThrow(() => smallEngine({ memory: memoryThere(true), shared: false }), TypeError, 'memory must be one');
  });

  it('are good as a handle, whose memory the thread had from there', async () => {
    const memory = smallEngine();
    const there = foreign<(handle: ArenaHandle) => ArenaHandle>('(handle) => ({ ...handle })');
    await expectWorks(memory, there(memory.handle));
  });

  it('are good as a bitmap and as options', () => {
    const memory = smallEngine();
    memory.ram.plug(foreign(`{ id: 'ram', size: ${90 * PAGE} }`));
    memory.whileStopped.harvest(VGA).set.dispose();
    const marked = memory.setDirtyBitmap(foreign('Uint8Array.of(5)'), 0, 3, foreign('{ mask: 1 }'));
    expect(marked).to.equal(2);
    expect(dirtyPages(memory, VGA)).to.deep.equal([0, 2]);
  });
});

describe('a memory that is none', () => {
  const forged: [title: string, make: () => unknown][] = [
    ['made from the prototype', () => Object.create(WebAssembly.Memory.prototype)],
    ['made from a memory', () => Object.create(memoryThere(true))],
    ['a proxy of one', () => new Proxy(memoryThere(true), {})],
    [
      'with a buffer of its own',
      () => Object.defineProperty(memoryThere(true), 'buffer', { value: new SharedArrayBuffer(2 ** 18) }),
    ],
    [
      'of a class with another buffer',
      () => {
        class Hidden extends WebAssembly.Memory {
          override get buffer(): ArrayBuffer {
            return new ArrayBuffer(2 ** 18);
          }
        }
        return new Hidden({ initial: 4, maximum: 4, shared: true });
      },
    ],
  ];
  for (const [title, make] of forged) {
    it(`is refused: ${title}`, () => {
      const { handle } = smallEngine();
      const memory = make() as WebAssembly.Memory;
      expectThrow(() => smallEngine({ memory }), TypeError, 'create', 'memory must be a WebAssembly.Memory');
      expectThrow(() => attachVcpu({ ...handle, memory }), TypeError, 'handle.memory must be a WebAssembly.Memory');
    });
  }
});
