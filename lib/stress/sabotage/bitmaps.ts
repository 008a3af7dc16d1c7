/** Bitmaps whose arithmetic, counts or memory are wrong. */
import { Allocator } from '../../arena/allocator.js';
import type { Arena } from '../../arena/arena.js';
import { chooseKernel } from '../../bitmap/choose-kernel.js';
import type { Kernel } from '../../bitmap/kernel.js';
import { Queries } from '../../dirty/queries.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

class HandsOutAsFreed extends Allocator {
  override freeBlock(block: number): void {
    this.freeZeroedBlock(block);
  }
}

/**
 * The seed's get_dirty and all_dirty pass (offset, length) to a search that takes (size, offset), and compare what it
 * returns with the length.
 */
function seedSearch(find: Kernel['findSet'], block: number, first: number, end: number): number {
  const length = end - first;
  const found = length >= first ? first : find(block, length, first);
  return found < length ? first : end;
}

/** The shipped kernel with some operations replaced, which are given it. */
function kernelWith(arena: Arena, change: (shipped: Kernel) => Partial<Kernel>): Kernel {
  const shipped = chooseKernel(arena);
  return Object.assign(Object.create(shipped) as Kernel, change(shipped));
}

export const bitmapSabotages = {
  'spare-block-not-zeroed': {
    description: 'blocks are used again with the bits that they held when they were freed',
    parts: { allocator: (...of) => new HandsOutAsFreed(...of) },
    oracles: CORRUPTION,
  },
  'seed-find-next-bit': {
    description: "queries search with the seed's mixed-up arguments (upstream 88c73d16ad1b)",
    parts: {
      queries: (kernel, ...rest) => {
        const findSet: Kernel['findSet'] = (...of) => seedSearch(kernel.findSet.bind(kernel), ...of);
        const findClear: Kernel['findClear'] = (...of) => seedSearch(kernel.findClear.bind(kernel), ...of);
        return new Queries({ findSet, findClear }, ...rest);
      },
    },
    oracles: CORRUPTION,
  },
  'import-past-end': {
    description: "an import sets the bits of its last byte that lie past its end (upstream's, never fixed)",
    parts: {
      kernel: (arena) =>
        kernelWith(arena, (shipped) => ({
          importLive: (block, first, end, bitmap, bit) => {
            const past = Math.min(-(bit + end - first) & 7, arena.geometry.pagesPerBlock - end);
            return shipped.importLive(block, first, end + past, bitmap, bit) - past;
          },
        })),
    },
    oracles: ['query-model'],
  },
  'put-back-by-load-and-store': {
    description: 'bits go back into a word by a load and a store in place of an atomic or',
    parts: {
      kernel: (arena) =>
        kernelWith(arena, () => ({
          returnLive: (owned, first, end, block) => {
            for (let bit = first; bit < end; bit += 32) {
              const from = owned + (bit >>> 5);
              const to = block + (bit >>> 5);
              const bits = arena.words.get(from);
              if (bits !== 0) arena.words.store(to, arena.words.load(to) | bits);
            }
          },
        })),
    },
    oracles: [],
  },
  'collected-twice': {
    description: 'a collection counts the pages that it took, not those new to the set',
    parts: {
      kernel: (arena) =>
        kernelWith(arena, (shipped) => ({
          mergeAndClearOwned: (from, first, end, into) => {
            const count = shipped.count(from, first, end);
            shipped.mergeAndClearOwned(from, first, end, into);
            return count;
          },
          mergeBothOwned: (one, other, first, end, into) => {
            shipped.mergeBothOwned(one, other, first, end, into);
            return shipped.count(one, first, end) + shipped.count(other, first, end);
          },
          mergeOwned: (from, first, end, into) => {
            shipped.mergeOwned(from, first, end, into);
            return shipped.count(from, first, end);
          },
        })),
    },
    oracles: ['counts'],
  },
} as const satisfies Record<string, Sabotage>;
