/** The shape of a run: what the seed chooses once for all of it, unless the plan or a planted bug says otherwise. */
import { type Client, CODE, MIGRATION, VGA } from '../dirty/client.js';
import { type SwapPolicy, shippedSwapPolicy } from '../dirty/density.js';
import { Choices, KERNELS, MAX_PAGES, PAGES_PER_BLOCK, type StressKernel, type StressPlan } from './plan.js';

export interface Shape {
  readonly kernel: StressKernel;
  readonly pagesPerBlock: number;
  /** Whether blocks are large enough for the shipped threshold; else they are swapped out where it makes both ways common. */
  readonly shippedSwaps: boolean;
  /** Whether the arena often has room for some only of the blocks that a harvest wants to swap out. */
  readonly scarce: boolean;
  /** The mask of clients that are tracked from the beginning; the others are tracked on demand. */
  readonly tracked: number;
  /** The client whose pages are counted as they turn dirty and as they are delivered (conservation.ts). */
  readonly conserved: Client | undefined;
}

/** Large enough for the shipped threshold, which swaps no smaller ones. */
const LARGE_BLOCKS = [2 ** 15, 2 ** 16] as const;
/** So that tables of large blocks grow and shrink, too. */
const LEAST_BLOCKS = 16;

/** @param shows where a planted bug shows; else bugs are looked for where most of them show soonest, among small blocks */
export function shapeOf(plan: StressPlan, shows: Partial<Shape> = {}): Shape {
  // Streams in which small seeds, which people take, differ.
  const choices = (stream: number): Choices => new Choices(plan.seed, 20, stream);
  const planted = plan.sabotage !== undefined;
  const large = !planted && choices(1).oneIn(3);
  const sizes = large ? LARGE_BLOCKS : [PAGES_PER_BLOCK];
  const pagesPerBlock = plan.pagesPerBlock ?? shows.pagesPerBlock ?? choices(2).pick(sizes);
  return {
    shippedSwaps: pagesPerBlock / 32 >= shippedSwapPolicy.leastWords,
    scarce: !planted && choices(3).oneIn(3),
    tracked: choices(5).pick([0, VGA, MIGRATION]),
    // What threads that are killed have turned is not known. Where pages are counted, collections do less.
    conserved: plan.faults || planted ? undefined : choices(4).pick([MIGRATION, CODE, VGA]),
    ...shows,
    kernel: plan.kernel ?? shows.kernel ?? choices(11).pick(KERNELS),
    pagesPerBlock,
  };
}

/** Whose bits are collected, each time by another user. Where a client's pages are counted it has one. */
export function usersOf({ conserved }: Shape): Client[] {
  return conserved === MIGRATION ? [VGA, CODE, MIGRATION] : [VGA, CODE, MIGRATION, MIGRATION, MIGRATION];
}

/** Of the run, whose address space is larger where bitmap blocks are. */
export function maxPagesOf({ pagesPerBlock }: Shape): number {
  return Math.max(MAX_PAGES, LEAST_BLOCKS * pagesPerBlock);
}

/** @param seed of this choice alone */
export function swapPolicyOf({ shippedSwaps, pagesPerBlock }: Shape, choices: Choices): SwapPolicy {
  if (shippedSwaps) return shippedSwapPolicy;
  // Of many words some are always clean.
  const oneIn = pagesPerBlock <= PAGES_PER_BLOCK ? choices.between(1, 2) : choices.pick([8, shippedSwapPolicy.oneIn]);
  return { oneIn, leastWords: 1 };
}
