/** The plan of a stress run, and its seeded random choices. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface StressPlan {
  readonly vcpus: number;
  readonly seconds: number;
  readonly seed: number;
  /** The name of the planted bug, if there is one. */
  readonly sabotage: string | undefined;
  /** Whether threads are killed or hang, memory runs out, and listeners throw. */
  readonly faults: boolean;
  /** Page size in bytes; one 32-bit cell of guest RAM stands for a page. Default: `PAGE_SIZE`. */
  readonly pageSize?: number | undefined;
  /** Default: the seed chooses. */
  readonly pagesPerBlock?: number | undefined;
  /** Default: the seed chooses. */
  readonly kernel?: StressKernel | undefined;
}

export const KERNELS = ['wasm', 'atomics'] as const;
export type StressKernel = (typeof KERNELS)[number];

export const PAGE_SIZE = 4096;
/**
 * Small bitmap blocks make long tables: 2048 entries, as many as 16 TiB of RAM have with blocks of the default size.
 */
export const PAGES_PER_BLOCK = 64;
/** Pages of the address space, unless the bitmap blocks are large. */
export const MAX_PAGES = 2 ** 17;
/** Longest run, because timers overflow at 2^31 ms. */
export const MOST_SECONDS = 2_000_000;
export const MOST_PAGES_PER_BLOCK = 2 ** 16;

/** A grace period that takes longer fails the run. */
export const STALL_MS = 10_000;
/** With faults, vCPUs that hold up a grace period for this long are killed; the grace period must end soon after. */
export const STUCK_MS = 500;
export const STUCK_FOR_GOOD_MS = 5_000;
/** Timeout of a blocking wait: long, because there may be many more threads than cores, on a busy machine. */
export const BLOCKING_MS = 8_000;

/** A seeded source of choices. */
export class Choices {
  private readonly generator: ReturnType<typeof xoroshiro128plus>;

  /** @param path numbers that distinguish the streams of one seed */
  constructor(seed: number, ...path: readonly number[]) {
    this.generator = xoroshiro128plus(path.reduce((mixed, part) => Math.imul(mixed ^ part, 0x9e3779b1), seed) | 0);
    // Skip the first values: they differ little for seeds that differ little.
    for (let i = 0; i < 8; i++) this.generator.next();
  }

  /** 32 random bits. */
  bits(): number {
    return this.generator.next();
  }

  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return uniformInt(this.generator, least, most);
  }

  /** @returns true once in `times` calls, on average */
  oneIn(times: number): boolean {
    return this.between(1, times) === 1;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.between(0, from.length - 1)] as T;
  }
}
