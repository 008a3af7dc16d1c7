import { expect } from 'chai';
import type { Kernel } from '../../lib/bitmap/kernel.js';
import { isDense, type SwapPolicy, shippedSwapPolicy } from '../../lib/dirty/density.js';

const WORDS = 2 ** 16;

describe('a bitmap block', () => {
  let looks: number;

  /** Is a block dense of whose words those are dirty for which `isDirty` holds? */
  function judge(isDirty: (word: number) => boolean, policy: SwapPolicy = shippedSwapPolicy, words = WORDS): boolean {
    looks = 0;
    const findSet = (_block: number, first: number, end: number): number => {
      looks++;
      expect(end - first, 'a word').to.equal(32);
      expect(first).to.be.within(0, (words - 1) * 32);
      return isDirty(first / 32) ? first + 31 : end;
    };
    return isDense({ findSet } as unknown as Kernel, 0, words, policy);
  }

  it('is dense when every word is dirty, which one look settles', () => {
    expect(judge(() => true)).to.equal(true);
    expect(looks).to.equal(1);
  });

  it('is not dense when no word is dirty, which 64 looks over all of it settle', () => {
    expect(judge(() => false)).to.equal(false);
    expect(looks).to.equal(64);
    expect(
      judge((word) => word > (WORDS * 62) / 64),
      'its last part alone',
    ).to.equal(true);
  });

  it('is dense as shipped when a single one of the words that are looked at is dirty', () => {
    expect(judge((word) => word === 0)).to.equal(true);
    expect(judge((word) => word === 1)).to.equal(false);
  });

  it('is dense by another policy from so many dirty words on, not from one less', () => {
    const oneInEight: SwapPolicy = { oneIn: 8, leastWords: 1024 };
    const dirtyUpTo = (looked: number) => (word: number) => word < (looked * WORDS) / 64;
    expect(judge(dirtyUpTo(8), oneInEight)).to.equal(true);
    expect(judge(dirtyUpTo(7), oneInEight)).to.equal(false);
  });

  it('is never dense when it has fewer words than the policy swaps', () => {
    expect(judge(() => true, shippedSwapPolicy, 1024)).to.equal(true);
    expect(judge(() => true, shippedSwapPolicy, 512)).to.equal(false);
    expect(looks).to.equal(0);
  });

  it('of fewer words than looks is looked at word by word', () => {
    const any: SwapPolicy = { oneIn: 2 ** 20, leastWords: 1 };
    expect(judge((word) => word === 7, any, 8)).to.equal(true);
    expect(looks).to.equal(8);
  });
});
