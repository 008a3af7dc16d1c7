/**
 * Planted bugs of collections: bits are cleared too late, too many bits are cleared, or bits of a failed collection are
 * lost.
 */
import type { WaitOptions } from '../../base/wait.js';
import type { ClientBitmap } from '../../dirty/client-bitmap.js';
import { type Collection, Collector } from '../../dirty/collector.js';
import { eachBlock, type PageRange } from '../../dirty/page-range.js';
import type { PageSet } from '../../dirty/page-set.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

/** Waits for the grace period first, where it protects nothing. */
class ClearsAfterwards extends Collector {
  override async collect<T>(collection: Collection<T>, options: WaitOptions): Promise<T> {
    if (collection.maxPages !== undefined) return super.collect(collection, options);
    await this.parts.rcu.synchronize(options);
    return this.collectWhileStopped(collection);
  }
}

class PutsBackAtOnce extends Collector {
  protected override abandon(bitmap: ClientBitmap, taken: PageSet): void {
    bitmap.inFlight = undefined;
    this.putBack(bitmap, taken);
    bitmap.lock.release();
  }
}

class DropsWhatItGaveUp extends Collector {
  protected override abandon(bitmap: ClientBitmap, taken: PageSet): void {
    this.parts.rcu.defer(() => {
      bitmap.inFlight = undefined;
      taken.dispose();
      bitmap.lock.release();
    });
  }
}

class KeepsWhatItBorrowed extends Collector {
  protected override putBorrowedBack(bitmap: ClientBitmap, taken: PageSet): void {
    taken.keepOnly([]);
    super.putBorrowedBack(bitmap, taken);
  }
}

/** Puts bits back for RAM that is gone: into the all-zero block, or into blocks that now belong to other RAM. */
class PutsBackWhereRamWas extends Collector {
  private ramWas: readonly PageRange[] = [];

  override async collect<T>(collection: Collection<T>, options: WaitOptions): Promise<T> {
    const range = (): PageRange => {
      this.ramWas = [...this.parts.ram];
      return collection.range();
    };
    return super.collect({ ...collection, range }, options);
  }

  protected override putBack(bitmap: ClientBitmap, taken: PageSet): void {
    for (const part of this.ramWas) {
      eachBlock(part, this.parts.arena.geometry.pagesPerBlock, (number, from, to) => {
        taken.returnLive(bitmap.blockAt(number), number, from, to);
      });
    }
    taken.dispose();
  }
}

class RoundsOutwards extends Collector {
  override async collect<T>(collection: Collection<T>, options: WaitOptions): Promise<T> {
    const range = (): PageRange => {
      const { first, end } = collection.range();
      return { first: first - (first % 64), end: Math.ceil(end / 64) * 64 };
    };
    return super.collect({ ...collection, range }, options);
  }
}

export const collectionSabotages = {
  'exchange-after-grace-period': {
    description: 'a collection waits for its grace period first, and then clears the bits',
    parts: { collector: (...of) => new ClearsAfterwards(...of) },
    oracles: CORRUPTION,
  },
  'aborted-harvest-put-back-at-once': {
    description: 'a harvest that times out puts its bits back before its grace period has ended',
    parts: { collector: (...of) => new PutsBackAtOnce(...of) },
    oracles: CORRUPTION,
  },
  'aborted-harvest-dropped': {
    description: 'a harvest that times out does not put its bits back',
    parts: { collector: (...of) => new DropsWhatItGaveUp(...of) },
    oracles: CORRUPTION,
  },
  'put-back-where-ram-was': {
    description: 'a harvest that times out puts its bits back also for RAM that has been unplugged meanwhile',
    parts: { collector: (...of) => new PutsBackWhereRamWas(...of) },
    oracles: [],
  },
  'borrowed-bits-kept': {
    description: 'a measurement does not put back the bits that it borrowed',
    parts: { collector: (...of) => new KeepsWhatItBorrowed(...of) },
    oracles: CORRUPTION,
  },
  'snapshot-rounded-outwards': {
    description: 'a collection rounds its range to whole words, and clears bits of neighbouring pages',
    parts: { collector: (...of) => new RoundsOutwards(...of) },
    oracles: CORRUPTION,
  },
} as const satisfies Record<string, Sabotage>;
