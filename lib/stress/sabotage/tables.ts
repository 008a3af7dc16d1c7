/** Planted bugs of block tables and RAM: things are published, freed or cleaned in the wrong order, or not at all. */
import { Header, Table } from '../../arena/layout.js';
import type { PublishReason } from '../../arena/trace-kinds.js';
import { type AfterGracePeriod, BlockTables, type NewTable, type Swap } from '../../dirty/block-tables.js';
import type { ClientBitmap, Entry } from '../../dirty/client-bitmap.js';
import type { PageRange } from '../../dirty/page-range.js';
import type { Departure } from '../../ram/departures.js';
import { RamList } from '../../ram/ram-list.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

/**
 * Stores the root in a microtask, after the caller has requested its grace period, so the number advances first.
 */
class PublishesLate extends BlockTables {
  protected override publish(built: readonly NewTable[], why: PublishReason): AfterGracePeriod {
    const { words } = this.arena;
    const old = built.map(([{ root }]) => words.load(Header.Roots + root));
    const release = super.publish(built, why);
    for (const [i, [{ root }]] of built.entries()) words.store(Header.Roots + root, old[i] as number);
    queueMicrotask(() => {
      for (const [{ root }, table] of built) words.store(Header.Roots + root, table);
    });
    return release;
  }
}

class ForgetsOldBlocks extends BlockTables {
  private extending = false;

  override extend(range: PageRange, dirty: boolean, purpose: string): AfterGracePeriod | undefined {
    this.extending = true;
    try {
      return super.extend(range, dirty, purpose);
    } finally {
      this.extending = false;
    }
  }

  protected override build(...[bitmap, length, changes, purpose]: Parameters<BlockTables['build']>): number {
    const table = super.build(bitmap, length, changes, purpose);
    if (!this.extending) return table;
    const { words, regions } = this.arena;
    words.fill(table + Table.Entries, table + Table.Entries + length, regions.zeroBlock);
    for (const [number, block] of changes) words.set(table + Table.Entries + number, block);
    return table;
  }
}

class ZeroesAfterPublishing extends BlockTables {
  override prepareSwap(bitmap: ClientBitmap, numbers: readonly number[]): Swap | undefined {
    const swap = super.prepareSwap(bitmap, numbers);
    if (swap === undefined) return undefined;
    return {
      ...swap,
      publish: () => {
        const published = swap.publish();
        const blocks = swap.numbers.map((number) => bitmap.blockAt(number));
        setImmediate(() => {
          for (const block of blocks) this.arena.words.fill(block, block + this.arena.geometry.blockWords, 0);
        });
        return published;
      },
    };
  }
}

/** Treats blocks that the arena had no room to swap as swapped. */
class ForgetsWhatItCouldNotSwap extends BlockTables {
  override prepareSwap(bitmap: ClientBitmap, numbers: readonly number[]): Swap | undefined {
    const swap = super.prepareSwap(bitmap, numbers);
    return swap === undefined ? undefined : { ...swap, numbers };
  }
}

class NeverCancels extends BlockTables {
  override prepareSwap(bitmap: ClientBitmap, numbers: readonly number[]): Swap | undefined {
    const swap = super.prepareSwap(bitmap, numbers);
    return swap === undefined ? undefined : { ...swap, cancel: () => {} };
  }
}

class KeepsFreshBlocks extends BlockTables {
  private preparing = false;

  override prepareSwap(bitmap: ClientBitmap, numbers: readonly number[]): Swap | undefined {
    this.preparing = true;
    try {
      return super.prepareSwap(bitmap, numbers);
    } finally {
      this.preparing = false;
    }
  }

  protected override freeBlocks(entries: readonly Entry[]): void {
    if (!this.preparing) super.freeBlocks(entries);
  }
}

class NeverSwaps extends BlockTables {
  override prepareSwap(): undefined {
    return undefined;
  }
}

class FreesTheFullBlock extends BlockTables {
  protected override freeBlocks(entries: readonly Entry[]): void {
    for (const [, block] of entries) this.allocator.freeBlock(block);
  }
}

class NeverShrinks extends BlockTables {
  override shrink(): undefined {
    return undefined;
  }
}

class NeverLowersTheEnd extends BlockTables {
  private endPage = 0;

  override setRamEnd(endPage: number): void {
    if (endPage <= this.endPage) return;
    this.endPage = endPage;
    super.setRamEnd(endPage);
  }
}

/** Ends the table where RAM ends now, and forgets the blocks beyond without freeing them. */
class CountsByRam extends BlockTables {
  override shrink(...of: Parameters<BlockTables['shrink']>): AfterGracePeriod | undefined {
    const dropped = this.blocks;
    const release = super.shrink(...of);
    if (release === undefined || this.blocks === dropped) return release;
    return () => {};
  }
}

class SparesTheLastPage extends RamList {
  protected override placeOf(number: number): PageRange {
    const { first, end } = super.placeOf(number);
    return { first, end: end - 1 };
  }
}

class ReusesBeforeCleaning extends RamList {
  protected override async depart(departure: Departure): Promise<void> {
    const departed = super.depart({ ...departure, end: () => {} });
    departure.end();
    await departed;
  }
}

class PopulatesClean extends RamList {
  private populating = false;

  override populate(...of: Parameters<RamList['populate']>): void {
    this.populating = true;
    try {
      super.populate(...of);
    } finally {
      this.populating = false;
    }
  }

  protected override makeDirty(range: PageRange, purpose: string): AfterGracePeriod | undefined {
    return this.populating ? this.tables.extend(range, false, purpose) : super.makeDirty(range, purpose);
  }
}

export const tableSabotages = {
  'number-advanced-before-publishing': {
    description:
      'the grace-period number advances before the new root is stored, so readers report and then load the old root',
    parts: { tables: (...of) => new PublishesLate(...of) },
    oracles: CORRUPTION,
  },
  'extend-forgets-old-blocks': {
    description: 'a table that grows has only its new blocks, not its old ones',
    parts: { tables: (...of) => new ForgetsOldBlocks(...of) },
    oracles: CORRUPTION,
  },
  'block-zeroed-after-publishing': {
    description:
      'a block that replaces a dense block is zeroed after it is published, when vCPUs may already mark in it',
    parts: { tables: (...of) => new ZeroesAfterPublishing(...of) },
    oracles: CORRUPTION,
  },
  'swap-forgets-what-had-no-room': {
    description: 'a harvest leaves out dense blocks when the arena has no room to swap them',
    parts: { tables: (...of) => new ForgetsWhatItCouldNotSwap(...of) },
    shows: { scarce: true },
    oracles: ['query-model', 'lost-update'],
  },
  'swap-never-cancelled': {
    description: 'a harvest that fails for lack of room does not free what it had prepared for a swap',
    parts: { tables: (...of) => new NeverCancels(...of) },
    shows: { scarce: true },
    oracles: ['leak'],
  },
  'swap-keeps-fresh-blocks': {
    description: 'a swap that has no room for its new table does not free its new blocks',
    parts: { tables: (...of) => new KeepsFreshBlocks(...of) },
    shows: { scarce: true },
    oracles: ['leak'],
  },
  'never-swaps': {
    description: 'dense blocks are emptied word by word, never swapped',
    parts: { tables: (...of) => new NeverSwaps(...of) },
    oracles: ['vacuous'],
  },
  'full-block-freed': {
    description: 'the full block, which untracked clients share, is freed when RAM is unplugged',
    parts: { tables: (...of) => new FreesTheFullBlock(...of) },
    shows: { tracked: 0 },
    oracles: CORRUPTION,
  },
  'tables-never-shrink': {
    description: 'bitmap blocks of unplugged RAM are kept, and marks there are accepted',
    parts: { tables: (...of) => new NeverShrinks(...of) },
    oracles: ['mark-to-gone-ram', 'leak'],
  },
  'end-of-ram-never-lowered': {
    description: 'vCPUs are not told that the end of RAM is lower now, and marks past it are accepted',
    parts: { tables: (...of) => new NeverLowersTheEnd(...of) },
    oracles: [],
  },
  'blocks-counted-by-ram': {
    description:
      'blocks beyond the present end of RAM are forgotten instead of freed (QEMU before commit b84f06c2bee7)',
    parts: { tables: (...of) => new CountsByRam(...of) },
    oracles: ['leak'],
  },
  'last-page-not-needed': {
    description: 'a bitmap block is freed although RAM still reaches into it with its last page',
    parts: { ram: (...of) => new SparesTheLastPage(...of) },
    oracles: ['plug', ...CORRUPTION],
  },
  'range-reused-before-cleaning': {
    description:
      'RAM is plugged in a place before late marks there are cleared, so that the clearing also removes bits of the new RAM',
    parts: { ram: (...of) => new ReusesBeforeCleaning(...of) },
    oracles: CORRUPTION,
  },
  'populated-clean': {
    description: 'a part of a RAM block is not dirty after it is populated again',
    parts: { ram: (...of) => new PopulatesClean(...of) },
    oracles: ['plug', 'lost-update'],
  },
} as const satisfies Record<string, Sabotage>;
