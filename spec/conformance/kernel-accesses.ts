import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';
import { operations } from './kernel-operations.js';
import { MAX_BLOCK_WORDS, type MakeKernel, TwoBlocks } from './two-blocks.js';

type Access = 'read' | 'write' | 'atomic';

/** Words that know which of them were accessed, and how. */
class RecordingWords extends Words {
  readonly log: { access: Access; index: number }[] = [];
  recording = false;

  private note(access: Access, index: number): void {
    if (this.recording) this.log.push({ access, index });
  }

  override get(index: number): number {
    this.note('read', index);
    return super.get(index);
  }

  override set(index: number, value: number): void {
    this.note('write', index);
    super.set(index, value);
  }

  override fill(first: number, end: number, value: number): void {
    for (let index = first; index < end; index++) this.note('write', index);
    super.fill(first, end, value);
  }

  override load(index: number): number {
    this.note('read', index);
    return super.load(index);
  }

  /** A sequentially consistent store still is no read-modify-write. */
  override store(index: number, value: number): void {
    this.note('write', index);
    super.store(index, value);
  }

  override or(index: number, bits: number): number {
    this.note('atomic', index);
    return super.or(index, bits);
  }

  override and(index: number, bits: number): number {
    this.note('atomic', index);
    return super.and(index, bits);
  }

  override add(index: number, value: number): number {
    this.note('atomic', index);
    return super.add(index, value);
  }

  override exchange(index: number, value: number): number {
    this.note('atomic', index);
    return super.exchange(index, value);
  }

  override compareExchange(index: number, expected: number, replacement: number): number {
    this.note('atomic', index);
    return super.compareExchange(index, expected, replacement);
  }
}

/** What a kernel may do to memory: for kernels that do all of it through the `Words` they are given. */
export function describeKernelAccesses(name: string, make: MakeKernel): void {
  describe(`${name}: accesses to memory`, () => {
    let blocks: TwoBlocks;
    let words: RecordingWords;
    before(() => {
      blocks = new TwoBlocks(make, (...args) => {
        words = new RecordingWords(...args);
        return words;
      });
    });

    function record(action: () => unknown): RecordingWords['log'] {
      words.log.length = 0;
      words.recording = true;
      action();
      words.recording = false;
      return words.log;
    }

    // 17 words in the middle of a block of 2^16, the first and the last of them in part.
    const first = 40_000 * 32 + 5;
    const end = first + 16 * 32;
    const rangeWords = Array.from({ length: 17 }, (_, n) => 40_000 + n);

    for (const fill of [0, -1]) {
      const filled = fill === 0 ? 'clear' : 'set';

      for (const operation of operations) {
        it(`${operation.name} costs what the range has words, not what the block has, all ${filled} (88c73d16)`, () => {
          blocks.write(new Array(MAX_BLOCK_WORDS).fill(fill), new Array(MAX_BLOCK_WORDS).fill(0));
          const { kernel, lower, upper } = blocks;
          const log = record(() => operation.run(kernel, first, end, lower, upper));
          const allowed = new Set([lower, upper].flatMap((block) => rangeWords.map((word) => block + word)));
          for (const { index } of log) expect(allowed, `word ${index - lower} of the block`).to.include(index);
          expect(log.length).to.be.within(1, 6 * rangeWords.length);
        });
      }

      for (const operation of operations.filter(({ live }) => live)) {
        it(`${operation.name} changes a live word only by read-modify-write, all ${filled} (DM-1)`, () => {
          blocks.write(new Array(64).fill(fill), new Array(64).fill(0x00ffff00));
          const { kernel, lower, upper } = blocks;
          const log = record(() => operation.run(kernel, 37, 1900, lower, upper));
          const written = log.filter(({ access, index }) => access === 'write' && index < lower + 64);
          expect(written).to.deep.equal([]);
        });
      }
    }

    it('importLive changes a live word only by read-modify-write (DM-1)', () => {
      blocks.write(new Array(64).fill(0), new Array(64).fill(0));
      const bitmap = new Uint8Array(256).fill(0xa5);
      const log = record(() => blocks.kernel.importLive(blocks.lower, 37, 1900, bitmap, 3));
      expect(log.filter(({ access }) => access === 'atomic')).to.have.lengthOf(59);
      expect(log.filter(({ access }) => access === 'write')).to.deep.equal([]);
    });

    it('importLive reads no byte of the bitmap but those that hold the bits', () => {
      blocks.write(new Array(64).fill(0), new Array(64).fill(0));
      for (const length of [1, 6, 13, 32, 59, 64, 125, 250]) {
        for (let bit = 80; bit < 88; bit++) {
          const read = new Set<number>();
          const bitmap = new Proxy(new Uint8Array(64), {
            get(bytes, key) {
              if (/^\d+$/.test(String(key))) read.add(Number(key));
              return Reflect.get(bytes, key, bytes);
            },
          });
          blocks.kernel.importLive(blocks.lower, 7, 7 + length, bitmap, bit);
          const needed = new Set(Array.from({ length }, (_, n) => Math.floor((bit + n) / 8)));
          expect(read, `bits [${bit}, ${bit + length})`).to.deep.equal(needed);
        }
      }
    });

    it('setLive writes nothing where all bits are set already: the test before the set', () => {
      blocks.write(new Array(64).fill(-1), new Array(64).fill(0));
      const log = record(() => blocks.kernel.setLive(blocks.lower, 37, 1900));
      expect(new Set(log.map(({ access }) => access))).to.deep.equal(new Set(['read']));
    });

    it('returnLive and importLive write nothing where there is no bit to add', () => {
      blocks.write(new Array(64).fill(0x0f0f0f0f), new Array(64).fill(0));
      const { kernel, lower, upper } = blocks;
      const log = record(() => {
        kernel.returnLive(upper, 37, 1900, lower);
        kernel.importLive(lower, 37, 1900, new Uint8Array(256), 3);
      });
      expect(log.filter(({ access }) => access !== 'read')).to.deep.equal([]);
    });

    it('extractRuns writes two words a run and no other, and reads no word behind the runs that there is room for', () => {
      const block = new Array<number>(64).fill(0);
      for (const word of [3, 4, 20, 40]) block[word] = 0x00ffff00;
      blocks.write(block, new Array(64).fill(0));
      const { kernel, lower, upper } = blocks;
      for (const [capacity, lastRead] of [
        [1, 3],
        [2, 4],
        [3, 20],
        [4, 40],
        [5, 63],
      ] as const) {
        const log = record(() => kernel.extractRuns(lower, 7, 64 * 32, upper, capacity));
        const indices = (access: Access): number[] =>
          log.filter((one) => one.access === access).map(({ index }) => index);
        expect(indices('write')).to.deep.equal(Array.from({ length: 2 * Math.min(capacity, 4) }, (_, n) => upper + n));
        expect(Math.max(...indices('read')) - lower, `room for ${capacity}`).to.equal(lastRead);
        expect(indices('atomic')).to.deep.equal([]);
      }
    });

    for (const take of ['takeLive', 'clearLive'] as const) {
      it(`${take} writes nothing where all bits of the range are clear`, () => {
        blocks.write([-1, ...new Array(62).fill(0), -1], new Array(64).fill(-1));
        const { kernel, lower, upper } = blocks;
        const log = record(() => kernel[take](lower, 32, 63 * 32, upper));
        expect(new Set(log.map(({ access }) => access))).to.deep.equal(new Set(['read']));
      });
    }
  });
}
