/** The shape of a run: what the seed chooses once for the whole run, unless the plan or a planted bug gives a value. */
import { type Client, CODE, MIGRATION, VGA } from '../dirty/client.js';
import { type SwapPolicy, shippedSwapPolicy } from '../dirty/density.js';
import type { WayOfLearning } from './kept-marks.js';
import { Choices, KERNELS, MAX_PAGES, PAGES_PER_BLOCK, type StressKernel, type StressPlan } from './plan.js';

export interface Shape {
  readonly kernel: StressKernel;
  readonly pagesPerBlock: number;
  /**
   * Whether blocks are large enough for the shipped swap threshold. Otherwise the run uses a lower threshold, at which
   * swaps are about as common as emptying word by word.
   */
  readonly shippedSwaps: boolean;
  /**
   * Whether the run often pretends that the arena has room for only some of the blocks that a harvest wants to swap
   * out.
   */
  readonly scarce: boolean;
  /** The mask of clients that are tracked from the beginning; the others are tracked on demand. */
  readonly tracked: number;
  /** The client whose pages are counted as they turn dirty and as they are delivered (conservation.ts). */
  readonly conserved: Client | undefined;
  /** How all vCPUs learn that marks which they keep have ended; undefined when they differ, and some keep none. */
  readonly learning: WayOfLearning | undefined;
}

/** Pages of blocks that are large enough for the shipped threshold; smaller blocks are never swapped. */
const LARGE_BLOCKS = [2 ** 15, 2 ** 16] as const;
/** Least number of blocks of the address space, so that tables grow and shrink also with large blocks. */
const LEAST_BLOCKS = 16;

/**
 * @param shows the shape in which a planted bug shows; by default, runs with a planted bug have small blocks, where
 * most bugs show soonest
 */
export function shapeOf(plan: StressPlan, shows: Partial<Shape> = {}): Shape {
  // These streams differ even for the small seeds that people like to use.
  const choices = (stream: number): Choices => new Choices(plan.seed, 20, stream);
  const planted = plan.sabotage !== undefined;
  const large = !planted && choices(1).oneIn(3);
  const sizes = large ? LARGE_BLOCKS : [PAGES_PER_BLOCK];
  const pagesPerBlock = plan.pagesPerBlock ?? shows.pagesPerBlock ?? choices(2).pick(sizes);
  return {
    shippedSwaps: pagesPerBlock / 32 >= shippedSwapPolicy.leastWords,
    scarce: !planted && choices(3).oneIn(3),
    tracked: choices(5).pick([0, VGA, MIGRATION]),
    // Not with faults: nobody knows what killed threads have turned dirty. Not with a planted bug: where pages are
    // counted, collections do less.
    conserved: plan.faults || planted ? undefined : choices(4).pick([MIGRATION, CODE, VGA]),
    learning: undefined,
    ...shows,
    kernel: plan.kernel ?? shows.kernel ?? choices(11).pick(KERNELS),
    pagesPerBlock,
  };
}

/** @returns the client of each user. A client whose pages are counted has only one user. */
export function usersOf({ conserved }: Shape): Client[] {
  return conserved === MIGRATION ? [VGA, CODE, MIGRATION] : [VGA, CODE, MIGRATION, MIGRATION, MIGRATION];
}

/** @returns the pages of the address space, which is larger for large bitmap blocks */
export function maxPagesOf({ pagesPerBlock }: Shape): number {
  return Math.max(MAX_PAGES, LEAST_BLOCKS * pagesPerBlock);
}

/** @param choices a stream for this choice alone */
export function swapPolicyOf({ shippedSwaps, pagesPerBlock }: Shape, choices: Choices): SwapPolicy {
  if (shippedSwaps) return shippedSwapPolicy;
  // The more words a block has, the likelier some are clean, so large blocks need a lower threshold.
  const oneIn = pagesPerBlock <= PAGES_PER_BLOCK ? choices.between(1, 2) : choices.pick([8, shippedSwapPolicy.oneIn]);
  return { oneIn, leastWords: 1 };
}
