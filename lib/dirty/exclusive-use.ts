/**
 * One user collects a client alone, because it must miss no page: a migration sends what it collects, and would never
 * learn of a page that somebody else had collected.
 *
 * Nobody else begins a collection of the client once the use is granted. A collection that was called before, and waits
 * for its turn or for its grace period, ends as ever and delivers to its caller; `begin` waits for it, and makes all RAM
 * dirty only then. What this user takes the others do not see, so all RAM is dirty for them when the use ends. Marks,
 * queries, `track` and hotplug go on meanwhile, and so do measurements, which put back what they borrow.
 */
import { GracePeriodTimeout } from '../base/errors.js';
import type { WaitOptions } from '../base/wait.js';
import type { Rcu } from '../rcu/rcu.js';
import type { ClientBitmap, ExclusiveUser } from './client-bitmap.js';
import type { Collector } from './collector.js';
import { EVERYTHING, type PageRange } from './page-range.js';
import type { PageSet } from './page-set.js';
import type { Tracking, Trackings } from './tracking.js';

export interface ExclusiveUseParts {
  readonly collector: Collector;
  readonly trackings: Trackings;
  readonly rcu: Rcu;
  /** Of all collections of the engine. */
  readonly counts: { harvests: number; pagesHarvested: number; testAndClears: number };
}

/** Of the owner's thread alone. */
export class ExclusiveUse {
  private readonly parts: ExclusiveUseParts;
  private readonly bitmap: ClientBitmap;
  private readonly user: ExclusiveUser;
  private tracking: Tracking | undefined;

  /** The use is granted from here on. @throws UsageError while another user has the client alone */
  constructor(parts: ExclusiveUseParts, operation: string, bitmap: ClientBitmap, user: ExclusiveUser) {
    bitmap.admitOnly(operation, user);
    this.parts = parts;
    this.bitmap = bitmap;
    this.user = user;
  }

  /**
   * The client is tracked and all RAM is dirty for it, after the collections that were called before the use was granted
   * have ended. @throws (rejects) as `DirtyMemory.track`
   */
  async begin(options: WaitOptions): Promise<void> {
    const { collector, trackings, rcu } = this.parts;
    const waiting = `track (after other collections of ${this.bitmap.name})`;
    const timeoutError = (ms: number): Error => new GracePeriodTimeout(waiting, ms, rcu.holdouts());
    const limit = { options, since: performance.now(), timeoutError };
    // `track` makes all RAM dirty within its call, which no other collection comes before.
    this.tracking = await collector.between(this.bitmap, () => trackings.track(this.bitmap, options), limit);
  }

  /** As `DirtyMemory.harvest`. @returns how many pages are new to the set */
  async harvest(into: PageSet, options: WaitOptions): Promise<number> {
    const { collector, counts } = this.parts;
    const { bitmap, user } = this;
    const deliver = (taken: PageSet): number => into.absorb(taken);
    const collection = { operation: 'harvest', bitmap, range: () => EVERYTHING, deliver, user };
    const added = await collector.collect(collection, options);
    counts.harvests++;
    counts.pagesHarvested += added;
    return added;
  }

  /** As `DirtyMemory.testAndClear`. */
  async clear(range: PageRange, options: WaitOptions): Promise<void> {
    const { collector, counts } = this.parts;
    const { bitmap, user } = this;
    const deliver = (taken: PageSet): void => taken.dispose();
    await collector.collect({ operation: 'testAndClear', bitmap, range: () => range, deliver, user }, options);
    counts.testAndClears++;
  }

  /** Without waiting for readers. Where the use has begun, all RAM is dirty for the users that remain. */
  end(): void {
    const { trackings } = this.parts;
    this.bitmap.admitAll();
    if (this.tracking === undefined) return;
    this.tracking.abandon();
    trackings.dirtyAll(this.bitmap);
  }
}
