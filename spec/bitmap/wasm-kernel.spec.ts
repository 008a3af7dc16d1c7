import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { WasmKernel } from '../../lib/bitmap/wasm-kernel.js';
import { describeKernel } from '../conformance/kernel.js';
import { describeKernelRaces } from '../conformance/kernel-races.js';
import type { MakeKernel } from '../conformance/two-blocks.js';
import { itInBothForms } from '../support/long.js';

const make: MakeKernel = (_, memory, byteOffset) => load(memory, byteOffset);

describeKernel('WasmKernel', make);
describeKernel('WasmKernel in memory that is not shared', make, false);
describe('WasmKernel among threads', () => {
  describeKernelRaces('WasmKernel', make);
});

describe('WasmKernel', () => {
  describe('in the last bytes of a memory of 4 GiB', () => {
    const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
    const words = new Int32Array(memory.buffer);
    const bits = 2048;
    const upper = 2 ** 30 - bits / 32;
    const lower = upper - bits / 32;

    for (const byteOffset of [0, 64, 2 ** 31 - 64, 2 ** 32 - 4096]) {
      it(`works to the last word, in an arena at ${byteOffset}`, () => {
        words.fill(0, lower - 16);
        const kernel = load(memory, byteOffset);
        const block = upper - byteOffset / 4;
        const into = lower - byteOffset / 4;
        for (const [first, end] of [
          [0, bits],
          [5, bits],
          [bits - 33, bits],
          [bits - 1, bits],
          [bits, bits],
        ] as const) {
          const size = end - first;
          expect(kernel.findSet(block, first, end)).to.equal(end);
          expect(kernel.setLive(block, first, end)).to.equal(size);
          expect(kernel.findClear(block, first, end)).to.equal(end);
          expect(kernel.count(block, first, end)).to.equal(size);
          expect(kernel.takeLive(block, first, end, into)).to.equal(size);
          kernel.returnLive(into, first, end, block);
          kernel.clearLive(block, first, end);
          expect(kernel.importLive(block, first, end, new Uint8Array(bits / 8 + 1).fill(0xff), 3)).to.equal(size);
          expect(kernel.mergeOwned(block, first, end, into)).to.equal(0);
          expect(kernel.uniteOwned(block, first, end, into)).to.equal(size);
          expect(kernel.clearOwned(into, first, end)).to.equal(size);
          expect(kernel.mergeBothOwned(block, into, first, end, into)).to.equal(size);
          expect(kernel.clearOwned(into, first, end)).to.equal(size);
          expect(kernel.mergeAndClearOwned(into, first, end, block)).to.equal(0);
          expect(kernel.mergeAndClearOwned(block, first, end, into)).to.equal(size);
          kernel.setOwned(block, first, end);
          expect(kernel.clearOwned(into, first, end)).to.equal(size);
          expect(kernel.extractRuns(block, first, end, into, 2)).to.equal(Math.min(size, 1));
          expect([...words.subarray(lower, lower + 2)]).to.deep.equal(size === 0 ? [0, 0] : [first, end]);
          words.fill(0, lower, lower + 2);
          expect(kernel.clearOwned(block, first, end)).to.equal(size);
        }
        kernel.setOwned(into, 5, 9);
        expect(kernel.extractRuns(into, 0, bits, block + bits / 32 - 2, 1)).to.equal(1);
        expect([...words.subarray(-2)]).to.deep.equal([5, 9]);
        words.fill(0, -2);
        kernel.clearOwned(into, 5, 9);
        expect(
          words.subarray(lower - 16).every((word) => word === 0),
          'all that was set is clear',
        ).to.equal(true);
        // An address that ran past the end of the memory would come back at its start.
        expect(
          words.subarray(0, 64).every((word) => word === 0),
          'the first words',
        ).to.equal(true);
      });
    }
  });

  for (const find of ['findSet', 'findClear'] as const) {
    const title = `${find} answers with a bit that it has seen, or the end, while the bit comes and goes`;
    itInBothForms(title, 1_000, 100_000, async (leastChanges) => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      new Int32Array(memory.buffer).fill(find === 'findSet' ? 0 : -1, 0, 64);
      const [word, bit] = [23, 7];
      const toggler = startModule(`for (;;) Atomics.xor(words, ${word}, ${1 << bit});`, memory);
      let failure: unknown;
      toggler.on('error', (error) => {
        failure = error;
      });
      try {
        const kernel = load(memory, 0);
        for (let calls = 1, changes = 0, last = 0; changes < leastChanges && !failure; calls++) {
          const answer = kernel[find](0, 3, 2048);
          if (answer !== word * 32 + bit && answer !== 2048) expect.fail(`position ${answer}`);
          if (answer !== last) changes += 1;
          last = answer;
          if (calls % 10_000 === 0) await setImmediate(); // lets the thread's failure be heard
        }
        expect(failure).to.equal(undefined);
      } finally {
        await toggler.terminate();
      }
    });
  }

  it('is compiled once a thread and kind of memory, whatever the number of engines', async () => {
    const compilations = await inThread(`
      let compilations = 0;
      const Module = WebAssembly.Module;
      WebAssembly.Module = class extends Module { constructor(bytes) { super(bytes); compilations += 1; } };
      const counts = [];
      for (const at of [memory, new WebAssembly.Memory({ initial: 1 })]) {
        const kernels = [WasmKernel.load(at, 0), WasmKernel.load(at, 64)];
        counts.push(kernels.every((kernel) => kernel.count(0, 0, 64) === 0) ? compilations : 'no kernels');
      }
      return counts;
    `);
    expect(compilations).to.deep.equal([1, 2]);
  });

  it('is not there, for good, where WebAssembly lacks what it needs', async () => {
    const loaded = await inThread(`
      WebAssembly.validate = () => false;
      return [WasmKernel.load(memory, 0), WasmKernel.load(memory, 0)];
    `);
    expect(loaded).to.deep.equal([undefined, undefined]);
  });

  it('is not there where there is no WebAssembly, or a policy against compiling it', async () => {
    expect(await inThread('WebAssembly = undefined; return WasmKernel.load(memory, 0)')).to.equal(undefined);
    const refuse = 'WebAssembly.Module = function () { throw new WebAssembly.CompileError("policy"); };';
    expect(await inThread(`${refuse} return WasmKernel.load(memory, 0)`)).to.equal(undefined);
  });
});

function load(memory: WebAssembly.Memory, byteOffset: number): WasmKernel {
  const kernel = WasmKernel.load(memory, byteOffset);
  if (kernel === undefined) throw new Error('this Node has no WebAssembly with SIMD and threads');
  return kernel;
}

/** Runs a function body in a thread that has not loaded a kernel yet. */
async function inThread(body: string): Promise<unknown> {
  const kernel = new URL('../../lib/bitmap/wasm-kernel.js', import.meta.url).href;
  const worker = startModule(
    `import { WasmKernel } from '${kernel}';
     parentPort.postMessage((() => { ${body} })());`,
    new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
  );
  const [result] = await once(worker, 'message');
  await worker.terminate();
  return result;
}

/** A module, unlike a script given as text, gets the loader that runs TypeScript. */
function startModule(script: string, memory: WebAssembly.Memory): Worker {
  const text = `
    import { parentPort, workerData as memory } from 'node:worker_threads';
    const words = new Int32Array(memory.buffer);
    ${script}`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`), { workerData: memory });
}
