import { expect } from 'chai';
import fc from 'fast-check';
import { Words } from '../../lib/arena/words.js';
import { AtomicsKernel } from '../../lib/bitmap/atomics-kernel.js';
import type { Kernel } from '../../lib/bitmap/kernel.js';
import { WasmKernel } from '../../lib/bitmap/wasm-kernel.js';
import { operations } from '../conformance/kernel-operations.js';
import { itInBothForms } from '../support/long.js';
import { NaiveBitmap } from '../support/naive-bitmap.js';
import { CELL } from '../support/random-ranges.js';
import { type Race, race, setBy } from '../support/set-live-threads.js';

const BYTE_OFFSET = 192;
const MAX_WORDS = 256;
/** Room for two blocks, each at any distance from the start of a line, and words around them. */
const LENGTH = 2 * (MAX_WORDS + 32);

interface Side {
  kernel: Kernel;
  words: Int32Array;
}

interface Step {
  name: string;
  /** Of the block that bits come from; the other block is the other one. */
  swapped: boolean;
  first: number;
  end: number;
}

type Run = (kernel: Kernel, first: number, end: number, block: number, other: number) => unknown;

const bitmap = Uint8Array.from({ length: MAX_WORDS * 4 + 4 }, (_, n) => (n % 90 < 50 ? 0 : n * 37));

const runs = new Map<string, Run>([
  ...operations.map(({ name, run }): [string, Run] => [name, run]),
  ['importLive', (kernel, first, end, block) => kernel.importLive(block, first, end, bitmap, first % 29)],
]);

// Stretches of equal words make lines that are skipped, and lines that are not by one word only.
const stretch = fc.tuple(
  fc.oneof(fc.constantFrom(0, -1), fc.constantFrom(1, 1 << 31, ~1), fc.integer()),
  fc.constantFrom(1, 1, 2, 15, 16, 17, 40),
);

function anyWords(length: number): fc.Arbitrary<number[]> {
  return fc.array(stretch, { minLength: 1, maxLength: 12 }).map((stretches) => {
    const words = stretches.flatMap(([word, count]) => new Array<number>(count).fill(word));
    return Array.from({ length }, (_, n) => words[n % words.length] as number);
  });
}

function anyStep(bits: number): fc.Arbitrary<Step> {
  const position = fc.oneof(
    fc.nat(bits),
    fc.nat(bits / 32).map((word) => word * 32),
    fc.constantFrom(0, bits),
  );
  return fc
    .record({ name: fc.constantFrom(...runs.keys()), swapped: fc.boolean(), a: position, b: position })
    .map(({ name, swapped, a, b }) => ({ name, swapped, first: Math.min(a, b), end: Math.max(a, b) }));
}

const anyCase = fc.constantFrom(2, 4, 16, 32, 64, MAX_WORDS).chain((length) =>
  fc.record({
    length: fc.constant(length),
    lower: anyWords(length),
    upper: anyWords(length),
    // Blocks are not promised to start with a line.
    offsets: fc.tuple(fc.nat(15), fc.nat(15)),
    steps: fc.array(anyStep(length * 32), { minLength: 1, maxLength: 12 }),
  }),
);

describe('The kernels', () => {
  it('give the same answers and leave the same words, in any sequence of operations', () => {
    const sides = [makeSide('atomics'), makeSide('wasm')] as const;
    fc.assert(
      fc.property(anyCase, ({ length, lower, upper, offsets, steps }) => {
        const blocks = [offsets[0], MAX_WORDS + 32 + offsets[1]] as const;
        for (const { words } of sides) {
          words.fill(0x5aa5c33c);
          words.set(lower, blocks[0]);
          words.set(upper, blocks[1]);
        }
        for (const { name, swapped, first, end } of steps) {
          const [block, other] = swapped ? [blocks[1], blocks[0]] : blocks;
          const run = runs.get(name) as Run;
          const answers = sides.map(({ kernel }) => run(kernel, first, end, block, other));
          const title = `${name} [${first}, ${end}) of ${length} words`;
          expect(answers[1], title).to.equal(answers[0]);
          const differs = sides[0].words.findIndex((word, index) => word !== sides[1].words[index]);
          expect(differs, `${title}: first word that differs`).to.equal(-1);
        }
      }),
      { numRuns: 3000 },
    );
  });

  describe('among threads, whichever of them sets and whichever takes', () => {
    const cells = 100;
    const bits = cells * CELL;
    const block = 16;
    const into = block + bits / 32 + 16;

    /**
     * Threads set bits by both kernels, while both kernels take.
     * @param take one round: takes, and returns how many bits of the threads' it took
     */
    async function raced(
      works: Race['works'],
      busyRounds: number,
      take: (kernel: Kernel, round: number) => number,
    ): Promise<NaiveBitmap> {
      const { memory, words } = makeMemory(into + bits / 32 + 32);
      const takers = [new AtomicsKernel(words), loadWasm(memory)];
      const set: Race = { arena: { memory, byteOffset: BYTE_OFFSET, words }, block, cells, works, busyRounds };
      const { taken, turned, reports } = await race(set, (round) => take(takers[round % 2] as Kernel, round));
      const left = takers.reduce((sum, kernel) => sum + take(kernel, 0), 0);
      expect(taken + left, 'bits taken, of those that turned').to.equal(turned);
      return setBy(set, reports);
    }

    it('count each bit once, and lose none (DM-1)', async () => {
      const everTaken = new NaiveBitmap();
      const seeds = [0x1f123bb5, 0x3c6ef35f, 0x5a09e667];
      const kernels = ['atomics', 'wasm', 'wasm'] as const;
      const works = kernels.map((kernel, worker) => ({ kernel, seed: seeds[worker] as number }));
      const set = await raced(works, 250, (kernel, round) => {
        const [first, end] = round % 3 === 1 ? [77, bits - 611] : [0, bits];
        const added = kernel.takeLive(block, first, end, into);
        for (let bit = kernel.findSet(into, 0, bits); bit < bits; bit = kernel.findSet(into, bit + 1, bits)) {
          everTaken.set(bit, bit + 1);
        }
        expect(kernel.clearOwned(into, 0, bits)).to.equal(added);
        return added;
      });
      expect(everTaken.toWords(bits / 32)).to.deep.equal(set.toWords(bits / 32));
    });

    const title = 'count each bit once where all of them change the same whole words (DM-1)';
    itInBothForms(title, 10_000, 100_000, async (busyRounds) => {
      const range = [0, 512] as const;
      const works = (['wasm', 'wasm', 'atomics'] as const).map((kernel) => ({ kernel, seed: 1, range }));
      await raced(works, busyRounds, (kernel) => {
        // Words that are set in part are taken between another thread's look at them and its change.
        let own = 0;
        for (let bit = 5; bit < 512; bit += 32) own += kernel.setLive(block, bit, bit + 1);
        const added = kernel.takeLive(block, ...range, into);
        kernel.clearOwned(into, ...range);
        return added - own;
      });
    });
  });
});

function makeMemory(length: number): { memory: WebAssembly.Memory; words: Words } {
  const pages = Math.ceil((BYTE_OFFSET + length * 4) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return { memory, words: new Words(memory.buffer, BYTE_OFFSET, length) };
}

function makeSide(name: Kernel['name']): Side {
  const { memory, words } = makeMemory(LENGTH);
  const kernel = name === 'wasm' ? loadWasm(memory) : new AtomicsKernel(words);
  return { kernel, words: new Int32Array(memory.buffer, BYTE_OFFSET, LENGTH) };
}

function loadWasm(memory: WebAssembly.Memory): WasmKernel {
  const kernel = WasmKernel.load(memory, BYTE_OFFSET);
  if (kernel === undefined) throw new Error('this Node has no WebAssembly with SIMD and threads');
  return kernel;
}
