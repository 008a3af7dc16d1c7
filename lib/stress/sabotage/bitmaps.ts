/** Planted bugs of bitmaps: wrong arithmetic, wrong counts, wrong memory. */
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
 * Once QEMU's get_dirty and all_dirty passed (offset, length) to a search that takes (size, offset), and compared its
 * result with the length.
 */
function seedSearch(find: Kernel['findSet'], block: number, first: number, end: number): number {
  const length = end - first;
  const found = length >= first ? first : find(block, length, first);
  return found < length ? first : end;
}

/**
 * The shipped kernel with some operations replaced.
 * @param change receives the shipped kernel, returns the replacements
 */
function kernelWith(arena: Arena, change: (shipped: Kernel) => Partial<Kernel>): Kernel {
  const shipped = chooseKernel(arena);
  return Object.assign(Object.create(shipped) as Kernel, change(shipped));
}

export const bitmapSabotages = {
  'spare-block-not-zeroed': {
    description: 'a bitmap block is reused with the bits that it held when it was freed',
    parts: { allocator: (...of) => new HandsOutAsFreed(...of) },
    oracles: CORRUPTION,
  },
  'seed-find-next-bit': {
    description: 'queries swap the arguments of the search, size and offset (see QEMU commit 88c73d16ad1b)',
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
    description: "an import also sets bits of its last byte that lie past the import's end (as in QEMU, never fixed)",
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
    description: 'bits are put back into a word by a load and a store instead of an atomic or',
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
    description: 'a collection counts all pages that it took, not only the pages that are new to the set',
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
