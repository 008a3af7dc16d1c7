/**
 * Planted bugs. A stress test must be seen failing before its passing means anything: each of these is a broken part
 * passed to the engine from outside, and the oracles must find it.
 */
import { Allocator } from '../arena/allocator.js';
import type { Kernel } from '../bitmap/kernel.js';
import { Queries } from '../dirty/queries.js';
import { type Parts, shippedParts } from '../parts.js';
import { Rcu } from '../rcu/rcu.js';
import type { WaitOptions } from '../rcu/wait.js';

interface Sabotage {
  readonly description: string;
  readonly parts: Partial<Parts>;
}

/** Tables and blocks are freed in the step that replaced them, under the readers that hold them. */
class NoGracePeriodBeforeFreeing extends Rcu {
  override defer(run: () => void): number {
    run();
    return this.request();
  }
}

/** Collections deliver at once: the pages are copied while stores to them may still be under way. */
class NoGracePeriodInCollections extends Rcu {
  override async waitFor(operation: string, cookie: number, options: WaitOptions): Promise<void> {
    if (operation === 'synchronize' || operation === 'unplug') await super.waitFor(operation, cookie, options);
  }
}

/** Swapped-out blocks are delivered, and recycled, while readers still mark in them; emptied ones wait as they should. */
class NoGracePeriodAfterSwaps extends Rcu {
  private swapped = false;

  override defer(run: () => void): number {
    this.swapped = true;
    return super.defer(run);
  }

  override request(): number {
    this.swapped = false;
    return super.request();
  }

  override async waitFor(operation: string, cookie: number, options: WaitOptions): Promise<void> {
    const skip = this.swapped && operation !== 'synchronize' && operation !== 'unplug';
    if (!skip) await super.waitFor(operation, cookie, options);
  }
}

/** Freed blocks are handed out again as they are. */
class ForgetfulAllocator extends Allocator {
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

export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  'free-without-grace-period': {
    description: 'tables and blocks are freed at once, under the readers that hold them',
    parts: { rcu: (...of) => new NoGracePeriodBeforeFreeing(...of) },
  },
  'harvest-without-grace-period': {
    description: 'collections clear and deliver without waiting for the readers',
    parts: { rcu: (...of) => new NoGracePeriodInCollections(...of) },
  },
  'swap-without-grace-period': {
    description: 'blocks that were swapped out are delivered without waiting for the readers',
    parts: { rcu: (...of) => new NoGracePeriodAfterSwaps(...of) },
  },
  'spare-block-not-zeroed': {
    description: 'blocks are used again with the bits that they held when they were freed',
    parts: { allocator: (...of) => new ForgetfulAllocator(...of) },
  },
  'seed-find-next-bit': {
    description: "queries search with the seed's mixed-up arguments (upstream 88c73d16ad1b)",
    parts: {
      queries: (tables, collector, kernel, ...rest) => {
        const findSet: Kernel['findSet'] = (...of) => seedSearch(kernel.findSet.bind(kernel), ...of);
        const findClear: Kernel['findClear'] = (...of) => seedSearch(kernel.findClear.bind(kernel), ...of);
        return new Queries(tables, collector, { findSet, findClear }, ...rest);
      },
    },
  },
};

/** @param name a key of `SABOTAGES`, or undefined for the engine as it ships */
export function sabotagedParts(name: string | undefined): Parts {
  return name === undefined ? shippedParts : { ...shippedParts, ...SABOTAGES[name]?.parts };
}
