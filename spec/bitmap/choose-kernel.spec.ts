import { expect } from 'chai';
import { CODE, DirtyMemory, type DirtyMemoryOptions } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { PAGE } from '../support/engines.js';

const OPTIONS = { pagesPerBlock: 64, maxRamBytes: 2 ** 20, arenaBytes: 2 ** 16 };

/** Runs `body` while the host refuses to make instances of WebAssembly modules. */
function whileRefused<T>(error: unknown, body: () => T): T {
  const shipped = WebAssembly.Instance;
  const Instance = function refuse(): never {
    throw error;
  };
  Object.assign(WebAssembly, { Instance });
  try {
    return body();
  } finally {
    Object.assign(WebAssembly, { Instance: shipped });
  }
}

function refusalOf(options: DirtyMemoryOptions): Error {
  try {
    DirtyMemory.create({ ...OPTIONS, ...options });
  } catch (error) {
    return error as Error;
  }
  return expect.fail('no error');
}

describe('the kernel of an engine whose memory the WebAssembly kernel cannot be linked with', () => {
  const reason = new WebAssembly.LinkError('memory import must be 32-bit');
  let memory: WebAssembly.Memory;

  beforeEach(() => {
    memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  });

  it('is the one in TypeScript where the choice is the engine’s, for the owner and for readers', () => {
    whileRefused(reason, () => {
      const engine = DirtyMemory.create({ ...OPTIONS, memory });
      expect(engine.stats().kernel).to.equal('atomics');
      engine.ram.plug({ id: 'ram', size: 4 * PAGE });
      engine.whileStopped.harvest(CODE);
      const vcpu = attachVcpu(engine.handle);
      expect(vcpu.markRange(0, 3 * PAGE, 7)).to.equal(2);
      expect(engine.whileStopped.harvest(CODE).added).to.equal(3);
    });
  });

  it('is refused where it was asked for, with the host’s error as the cause, and the memory is free', () => {
    const error = whileRefused(reason, () => refusalOf({ memory, kernel: 'wasm' }));
    expect(error).to.be.instanceOf(RangeError);
    expect(error.message).to.include("DirtyMemory.create: kernel 'wasm' cannot be used here");
    expect(error.message).to.include('memory import must be 32-bit');
    expect(error.cause).to.equal(reason);
    expect(DirtyMemory.create({ ...OPTIONS, memory, kernel: 'wasm' }).stats().kernel, 'later').to.equal('wasm');
  });

  it('is refused also where the host throws what is no error', () => {
    const error = whileRefused('no more', () => refusalOf({ memory, kernel: 'wasm' }));
    expect(error.message).to.include("'no more'");
  });

  it('is the one in TypeScript in a memory with 64-bit addresses', function () {
    let large: WebAssembly.Memory;
    try {
      const descriptor = { address: 'i64', initial: 1n, maximum: 1n, shared: true };
      large = new WebAssembly.Memory(descriptor as unknown as WebAssembly.MemoryDescriptor);
    } catch {
      return this.skip(); // this host has none
    }
    expect(DirtyMemory.create({ ...OPTIONS, memory: large, kernel: 'auto' }).stats().kernel).to.equal('atomics');
  });
});
