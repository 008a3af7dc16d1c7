import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';
import type { Kernel } from '../../lib/bitmap/kernel.js';
import type { NaiveBitmap } from '../support/naive-bitmap.js';

/**
 * Makes the kernel under test for an arena. `words` is what a TypeScript kernel works on; another one finds the same
 * arena in `memory`, from `byteOffset` on.
 */
export type MakeKernel = (words: Words, memory: WebAssembly.Memory, byteOffset: number) => Kernel;

/** Words of the largest block: 2^21 bits. */
export const MAX_BLOCK_WORDS = 2 ** 16;

const LINE = 16;
const GUARD = 0x5aa5c33c;

/** What an operation is tried on: two blocks of one size, with guard words before, between and after them. */
export class TwoBlocks {
  readonly memory: WebAssembly.Memory;
  readonly byteOffset = 192; // not 0: a kernel that takes indices for addresses must fail
  readonly words: Words;
  readonly kernel: Kernel;
  readonly lower = LINE;
  private blockWords = 0;

  constructor(
    make: MakeKernel,
    makeWords = (...args: ConstructorParameters<typeof Words>) => new Words(...args),
    shared = true,
  ) {
    const length = 2 * MAX_BLOCK_WORDS + 3 * LINE;
    const pages = Math.ceil((this.byteOffset + length * 4) / 65536);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    this.words = makeWords(this.memory.buffer, this.byteOffset, length);
    this.kernel = make(this.words, this.memory, this.byteOffset);
  }

  get upper(): number {
    return this.lower + roundUpToLine(this.blockWords) + LINE;
  }

  /** Gives both blocks their bits, and with them their size. */
  write(lower: readonly number[], upper: readonly number[]): void {
    this.blockWords = lower.length;
    for (const [index, word] of this.layOut(lower, upper).entries()) this.words.set(index, word);
  }

  /** Fails unless the blocks hold these bits, and the words around them what they held before. */
  expect(lower: NaiveBitmap, upper: NaiveBitmap, message: string): void {
    const wanted = this.layOut(lower.toWords(this.blockWords), upper.toWords(this.blockWords));
    for (const [index, word] of wanted.entries()) {
      // Putting the message together for every word would take most of the time.
      if (this.words.get(index) !== word) expect(this.words.get(index), `${message}: word ${index}`).to.equal(word);
    }
  }

  private layOut(lower: readonly number[], upper: readonly number[]): number[] {
    const all = new Array<number>(this.upper + roundUpToLine(this.blockWords) + LINE).fill(GUARD);
    all.splice(this.lower, lower.length, ...lower);
    all.splice(this.upper, upper.length, ...upper);
    return all;
  }
}

function roundUpToLine(words: number): number {
  return Math.ceil(words / LINE) * LINE;
}
