/**
 * Whether a bitmap block is dirty enough to be swapped out whole instead of being emptied word by word.
 *
 * Emptying costs an atomic exchange for each word that is not zero, and a merge at delivery; swapping costs a fresh block,
 * its zeroing later, and the merge alone. From one dirty word in 64 on, which is what so few samples can see, swapping is
 * the cheaper (`npm run bench -- --only swap-threshold`: 0.5 times the cost there, at most 0.8 times at any density,
 * 0.2 times with all words dirty, zeroing included). What the samples miss is emptied.
 */
import type { Kernel } from '../bitmap/kernel.js';

export interface SwapPolicy {
  /** Swap when at least one in so many words is dirty. */
  readonly oneIn: number;
  /** Never swap blocks of fewer words: a table costs more than emptying them. */
  readonly leastWords: number;
}

export const shippedSwapPolicy: SwapPolicy = { oneIn: 64, leastWords: 1024 };

const SAMPLES = 64;

/** Looks at no more than some words of the block, each a miss of the cache: at as few as settle it. */
export function isDense(kernel: Kernel, block: number, blockWords: number, policy: SwapPolicy): boolean {
  if (blockWords < policy.leastWords) return false;
  const stride = Math.max(1, Math.floor(blockWords / SAMPLES));
  const enough = Math.max(1, Math.ceil(blockWords / stride) / policy.oneIn);
  let dirty = 0;
  for (let word = 0; word < blockWords; word += stride) {
    if (kernel.findSet(block, word * 32, word * 32 + 32) < word * 32 + 32 && ++dirty >= enough) return true;
  }
  return false;
}
