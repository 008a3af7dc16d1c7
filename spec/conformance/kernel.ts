import { expect } from 'chai';
import fc from 'fast-check';
import { Words } from '../../lib/arena/words.js';
import { NaiveBitmap } from '../support/naive-bitmap.js';
import { type Order, operations, tryOperation } from './kernel-operations.js';
import { type MakeKernel, TwoBlocks } from './two-blocks.js';

const orders: readonly Order[] = ['block first', 'other first'];

/** Contents of a block of 128 bits. */
const contents: Readonly<Record<string, readonly number[]>> = {
  empty: [0, 0, 0, 0],
  full: [-1, -1, -1, -1],
  'only bits 31 and 96': [1 << 31, 0, 0, 1],
  'all but bits 31 and 96': [~(1 << 31), -1, -1, ~1],
  'words full and empty': [0, -1, 0, -1],
  mixed: [0x00ff0180, -0x7ffffffe, 0x55555555, 0x00010000],
};

const anyWord = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0, -1) },
  fc.constantFrom(1, 1 << 31, ~1, ~(1 << 31)),
  fc.integer(),
);

/** A range of a block of so many bits, with ends at or near word edges more often than not. */
function anyRange(bits: number): fc.Arbitrary<[first: number, end: number]> {
  const nearEdge = fc
    .tuple(fc.nat(bits / 32), fc.integer({ min: -2, max: 2 }))
    .map(([word, distance]) => Math.min(Math.max(word * 32 + distance, 0), bits));
  const position = fc.oneof(nearEdge, fc.nat(bits));
  return fc.tuple(position, position).map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);
}

const anyCase = fc.constantFrom(2, 4, 8, 32).chain((length) => {
  const words = fc.array(anyWord, { minLength: length, maxLength: length });
  return fc.tuple(words, words, anyRange(length * 32), fc.constantFrom(...orders));
});

/** What every kernel must do, whatever it is made of. */
export function describeKernel(name: string, make: MakeKernel, shared = true): void {
  describe(`${name}: bulk operations on bitmap blocks`, () => {
    let blocks: TwoBlocks;
    before(() => {
      blocks = new TwoBlocks(make, undefined, shared);
    });

    for (const operation of operations) {
      it(`${operation.name} does in any range what the model does, and leaves the neighbours alone (84516e5b)`, () => {
        fc.assert(
          fc.property(anyCase, ([block, other, [first, end], order]) => {
            tryOperation(operation, blocks, { block, other }, first, end, order);
          }),
          { numRuns: 300 },
        );
      });

      it(`${operation.name} is right for all ranges with both ends near word edges`, () => {
        const edges = [0, 32, 64, 96, 128].flatMap((edge) => [edge - 1, edge, edge + 1]).slice(1, -1);
        for (const block of Object.values(contents)) {
          for (const first of edges) {
            for (const end of edges.filter((edge) => edge >= first)) {
              const other = [0x0f0f0f0f, 0, -1, 0x12345678];
              tryOperation(operation, blocks, { block, other }, first, end, 'block first');
            }
          }
        }
      });
    }

    for (const find of ['findSet', 'findClear'] as const) {
      it(`${find} searches from the range's start to its end, where the seed swapped size and offset (88c73d16)`, () => {
        for (const [title, words] of Object.entries(contents)) {
          const model = NaiveBitmap.fromWords(words);
          blocks.write(words, words);
          for (let first = 0; first <= 128; first++) {
            for (let end = first; end <= 128; end++) {
              const found = blocks.kernel[find](blocks.upper, first, end);
              const wanted = model[find](first, end);
              if (found !== wanted) expect(found, `${title}, [${first}, ${end})`).to.equal(wanted);
            }
          }
        }
      });
    }

    it('mergeBothOwned does in any range what merging one block after the other does, and changes neither', () => {
      const anyThree = anyCase.chain(([one, into, range, order]) =>
        fc.tuple(
          fc.constant({ one, into, range, order }),
          fc.array(anyWord, { minLength: one.length, maxLength: one.length }),
        ),
      );
      fc.assert(
        fc.property(anyThree, ([{ one, into, range, order }, other]) => {
          const first = order === 'block first';
          blocks.write(first ? one : into, first ? into : one);
          const { kernel, words, lower, upper } = blocks;
          const [from, to] = first ? [lower, upper] : [upper, lower];
          const second = upper + 67; // behind the guards of the largest block
          for (const [n, word] of other.entries()) words.set(second + n, word);
          const [model, source] = [NaiveBitmap.fromWords(into), NaiveBitmap.fromWords(one)];
          const wanted = model.merge(source, ...range) + model.merge(NaiveBitmap.fromWords(other), ...range);
          const title = `[${range}) of ${one.length} words, ${order}`;
          expect(kernel.mergeBothOwned(from, second, ...range, to), title).to.equal(wanted);
          if (first) blocks.expect(source, model, title);
          else blocks.expect(model, source, title);
          expect(
            other.map((_, n) => words.get(second + n)),
            title,
          ).to.deep.equal(other);
        }),
        { numRuns: 600 },
      );
    });

    it('uniteOwned counts what is there already, whether the other block adds all, some or none of its bits', () => {
      for (const from of [0, 0x0f, 0xff, -1]) {
        for (const into of [0, 0x0f, 0xf0, -1]) {
          blocks.write(new Array(64).fill(from), new Array(64).fill(into));
          const model = NaiveBitmap.fromWords(new Array(64).fill(into));
          model.merge(NaiveBitmap.fromWords(new Array(64).fill(from)), 37, 1900);
          const title = `${from} into ${into}`;
          const united = blocks.kernel.uniteOwned(blocks.lower, 37, 1900, blocks.upper);
          expect(united, title).to.equal(model.count(37, 1900));
          blocks.expect(NaiveBitmap.fromWords(new Array(64).fill(from)), model, title);
        }
      }
    });

    it('extracts the same runs in batches of any size, each from where the one before ended', () => {
      fc.assert(
        fc.property(anyCase, fc.integer({ min: 1, max: 6 }), ([block, , [first, end]], capacity) => {
          blocks.write(block, new Array(Math.max(block.length, 16)).fill(0x5aa5c33c));
          const { kernel, words, lower, upper } = blocks;
          const found: [number, number][] = [];
          for (let from = first, count = capacity; count === capacity; ) {
            count = kernel.extractRuns(lower, from, end, upper, capacity);
            for (let n = 0; n < count; n++) found.push([words.get(upper + 2 * n), words.get(upper + 2 * n + 1)]);
            from = found.at(-1)?.[1] ?? end;
          }
          expect(found).to.deep.equal(NaiveBitmap.fromWords(block).runs(first, end));
        }),
        { numRuns: 300 },
      );
    });

    it('imports a bitmap at any alignment of either side, and no bit past its end', () => {
      for (let bit = 16; bit < 24; bit++) {
        for (let first = 32; first < 64; first++) {
          for (const length of [0, 1, 5, 8, 9, 31, 32, 33, 40, 63, 64, 65, 95, 128, 150]) {
            tryImport(blocks, first, first + length, bit);
          }
        }
      }
    });

    it('imports to the end of a block, from the start of a bitmap', () => {
      for (let first = 0; first <= 256; first++) tryImport(blocks, first, 256, first % 11);
    });

    it('counts bit 31 of a word once, though 1 << 31 is negative', () => {
      const { kernel, lower, upper } = emptyBlocks();
      expect(kernel.setLive(lower, 31, 32)).to.equal(1);
      expect(kernel.setLive(lower, 31, 32)).to.equal(0);
      expect(kernel.count(lower, 0, 64)).to.equal(1);
      expect(kernel.findSet(lower, 0, 64)).to.equal(31);
      expect(kernel.takeLive(lower, 31, 32, upper)).to.equal(1);
      expect(kernel.clearOwned(upper, 31, 32)).to.equal(1);
      expect(kernel.importLive(lower, 31, 32, Uint8Array.of(0x80), 7)).to.equal(1);
      expect(kernel.mergeOwned(lower, 31, 32, upper)).to.equal(1);
      expect(kernel.findClear(lower, 31, 32)).to.equal(32);
    });

    it('adds to what is there: only bits that were clear count as turned', () => {
      const { kernel, lower, upper } = emptyBlocks();
      kernel.setOwned(upper, 10, 20);
      expect(kernel.setLive(lower, 15, 40)).to.equal(25);
      expect(kernel.setLive(lower, 0, 64)).to.equal(64 - 25);
      expect(kernel.takeLive(lower, 0, 64, upper)).to.equal(64 - 10);
      expect(kernel.count(lower, 0, 64)).to.equal(0);
      expect(kernel.count(upper, 0, 64)).to.equal(64);
    });

    it('works at positions past 2^31', () => {
      const bytes = 2 ** 29 + 2 ** 16; // reserved; only the touched pages are ever committed
      const memory = new WebAssembly.Memory({ initial: bytes / 65536, maximum: bytes / 65536, shared });
      const words = new Words(memory.buffer, 0, bytes / 4);
      const kernel = make(words, memory, 0);
      const block = 64;
      for (const first of [2 ** 31 - 40, 2 ** 31 - 32, 2 ** 31, 2 ** 31 + 7, 2 ** 32 - 200]) {
        const end = first + 100;
        expect(kernel.findSet(block, first - 50, end + 50), `from ${first}`).to.equal(end + 50);
        expect(kernel.setLive(block, first, end)).to.equal(100);
        expect(kernel.findSet(block, first - 50, end + 50)).to.equal(first);
        expect(kernel.findClear(block, first, end + 50)).to.equal(end);
        expect(kernel.count(block, first - 50, end + 50)).to.equal(100);
        const into = block + 2 ** 27;
        expect(kernel.extractRuns(block, first - 50, end + 50, into, 4)).to.equal(1);
        expect([words.get(into) >>> 0, words.get(into + 1) >>> 0]).to.deep.equal([first, end]);
        expect(kernel.clearOwned(block, first, end)).to.equal(100);
        expect(kernel.importLive(block, first, end, new Uint8Array(13).fill(0xff), 3)).to.equal(100);
        kernel.clearLive(block, first - 50, end + 50);
        kernel.setOwned(block, first, end);
        expect(kernel.count(block, first - 50, end + 50)).to.equal(100);
        kernel.clearLive(block, first, end);
      }
    });

    function emptyBlocks(): TwoBlocks {
      blocks.write([0, 0], [0, 0]);
      return blocks;
    }
  });
}

/** Imports into a block of 256 bits from a bitmap that is as long as it needs to be, among bytes of ones. */
function tryImport(blocks: TwoBlocks, first: number, end: number, bit: number): void {
  const title = `import bit ${bit} on into [${first}, ${end})`;
  const needed = Math.ceil((bit + end - first) / 8);
  const bytes = new Uint8Array(needed + 16).fill(0xff);
  const bitmap = bytes.subarray(8, 8 + needed);
  for (let n = bit; n < bit + end - first; n++) {
    if ((n * n + first) % 7 < 3) bitmap[Math.floor(n / 8)] = (bitmap[Math.floor(n / 8)] as number) & ~(1 << (n % 8));
  }
  const before = [0, 0x10000001, 0, 0, -1, 0, 1 << 31, 0];
  const untouched = NaiveBitmap.fromWords(before);
  const model = NaiveBitmap.fromWords(before);
  const wanted = model.import(first, end, bitmap, bit);
  blocks.write(before, before);
  const imported = blocks.kernel.importLive(blocks.lower, first, end, bitmap, bit);
  if (imported !== wanted) expect(imported, title).to.equal(wanted);
  blocks.expect(model, untouched, title);
}
