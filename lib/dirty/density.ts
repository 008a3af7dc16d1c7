/**
 * Decides whether a bitmap block is dirty enough to be swapped out whole instead of being emptied word by word.
 *
 * Emptying costs an atomic exchange for each word that is not zero, and a merge at delivery. Swapping costs a fresh
 * block, zeroing the old block later, and the merge. Swapping is cheaper from one dirty word in 64 on, the lowest
 * density that 64 samples can see (`npm run bench -- --only swap-threshold`: 0.5 times the cost at that density, at
 * most 0.8 times at any density, 0.2 times with all words dirty, zeroing included). Blocks whose dirty words the
 * samples miss are emptied.
 */
import type { Kernel } from '../bitmap/kernel.js';

export interface SwapPolicy {
  /** Swap when at least one in this many words is dirty. */
  readonly oneIn: number;
  /** Never swap blocks of fewer words: the new table would cost more than emptying the block. */
  readonly leastWords: number;
}

export const shippedSwapPolicy: SwapPolicy = { oneIn: 64, leastWords: 1024 };

const SAMPLES = 64;

/**
 * Samples evenly spaced words of the block (each a cache miss), and stops once the answer is known.
 * @param blockWords a power of two
 */
export function isDense(kernel: Kernel, block: number, blockWords: number, policy: SwapPolicy): boolean {
  if (blockWords < policy.leastWords) return false;
  const samples = Math.min(blockWords, SAMPLES);
  const stride = blockWords / samples;
  const enough = samples / policy.oneIn;
  let dirty = 0;
  for (let word = 0; word < blockWords; word += stride) {
    if (kernel.findSet(block, word * 32, word * 32 + 32) < word * 32 + 32 && ++dirty >= enough) return true;
  }
  return false;
}
