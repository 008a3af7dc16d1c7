/**
 * Collecting: clear a client's bits, wait a grace period, and only then hand them over. Harvest, sync, snapshot and
 * test-and-clear are this one protocol with different ranges and deliveries (QEMU: cpu_physical_memory_sync_dirty_bitmap
 * and relatives, with the wait that 9458a9a1df1a added).
 *
 * DM-2 A reader does a store and its mark within one interval, in either order. Let a collection clear the mark's bit
 *   and then request a grace period, and let g be that period's number. An interval that began with a number below g
 *   ends with a report that the period waits for (GP-2, GP-6): its stores happen-before the end of the period, so they
 *   are in any copy made after delivery. This holds even if its mark tested the bit just before the clear, found it set,
 *   and wrote nothing. An interval that began with g or a later number began after the clear (GP-1, GP-3), so its marks
 *   find the bit clear, or set again by a later mark, and the next collection reports the page. So of the collections
 *   that clear the page's bit after a mark, the first one that delivers the page has the store in its copy. Collections
 *   whose range or `maxPages` does not reach the page leave its bit alone, and those that fail put it back (DM-3): after
 *   either the bit is there for a later collection, whose clear follows the mark all the more.
 * DM-3 Bits that were taken, and blocks that were swapped out, belong to one collection until its period has ended,
 *   aborted or not: the client's lock is held until then. An interval that began before the swap may still mark in the
 *   old block; delivered or put back earlier, the block would lose that mark. Bits that were taken word by word could go
 *   back at once, as a measurement's do (below): whoever takes them next clears later, and waits for a period of its own.
 *   They wait with the blocks because one collection may have both.
 * DM-5 The copy may hold parts of later stores; their pages are dirty again.
 *
 * A sparse block is emptied by exchange, word by word. A dense one is swapped out: a table with a fresh zeroed block in
 * its place is published in the step that requests the grace period. Marks of intervals that are open then go to the old
 * block or the new one; those to the old one are delivered with this collection, whose grace period waits for their
 * stores too. When the period has ended no reader holds the old table (GP-6), so the old block is owned: it is merged
 * with plain accesses, or becomes the set's own block as it is.
 *
 * A collection that fails after the clear (timeout, abort, no memory) rejects at once; its bits go back by atomic or,
 * into the blocks and the RAM of that moment, when a period that is requested at the failure has ended (its own, or the
 * next where its own runs already), and then the next in the queue runs.
 * Until then they are *in flight*: the owner's queries count them as dirty.
 *
 * A measurement borrows the bits: it takes all, sees what turns dirty meanwhile, and puts them back. That needs no grace
 * period, and DM-2 holds for the next collection as if the bits had been live all the time. Let its clear follow the
 * putting back, and g be its period. An interval that began with a number below g is waited for, whatever its marks have
 * found. One that began with g or later began after both clears and the putting back. No block may be swapped out for it:
 * intervals that hold the old table would go on marking there, where neither the count nor the next collection finds it.
 */
import type { Geometry } from '../arena/geometry.js';
import { GracePeriodTimeout, UsageError } from '../base/errors.js';
import { readWaitOptions, type WaitLimit, type WaitOptions } from '../base/wait.js';
import type { Rcu } from '../rcu/rcu.js';
import type { AfterGracePeriod, BlockTables } from './block-tables.js';
import type { ClientBitmap, ExclusiveUser } from './client-bitmap.js';
import { isDense, type SwapPolicy } from './density.js';
import { EVERYTHING, eachBlock, type PageRange, walkBlocks } from './page-range.js';
import { PageSet } from './page-set.js';
import type { PageSetStore } from './page-set-store.js';

/** The RAM of the moment within a range, ascending. */
export type RamWithin = (range: PageRange) => Iterable<PageRange>;

export interface CollectorParts {
  readonly geometry: Geometry;
  readonly tables: BlockTables;
  readonly rcu: Rcu;
  readonly store: PageSetStore;
  readonly ramWithin: RamWithin;
  readonly swapPolicy: SwapPolicy;
}

/** What to collect, of whom, and for whom. */
export interface Collection<T> {
  readonly operation: string;
  readonly bitmap: ClientBitmap;
  /** Asked for at the clear, which may come long after the call: a place may be other RAM's by then. */
  readonly range: () => PageRange;
  /** Is handed the set, clipped to the RAM of that moment, and owns it; runs synchronously with the end. */
  readonly deliver: (taken: PageSet) => T;
  /** Of all RAM: collect no more than so many, from where the client's last such collection stopped. */
  readonly maxPages?: number | undefined;
  /** Who collects, where somebody has the client alone. */
  readonly user?: ExclusiveUser | undefined;
}

export class Collector {
  protected readonly parts: CollectorParts;

  constructor(parts: CollectorParts) {
    this.parts = parts;
  }

  /**
   * The clear runs inside the call when no other collection of the client is under way. When nothing was dirty no grace
   * period is waited for.
   * @throws (rejects) GracePeriodTimeout, the signal's reason, ArenaFullError, UsageError
   */
  async collect<T>(collection: Collection<T>, options: WaitOptions): Promise<T> {
    const { operation, bitmap, range, deliver, maxPages } = collection;
    const { rcu, store } = this.parts;
    const wait = readWaitOptions(operation, options);
    rcu.checkMayWait(operation);
    bitmap.checkAdmits(operation, collection.user);
    wait.signal?.throwIfAborted();
    const since = performance.now();
    if (!bitmap.lock.tryAcquire()) {
      const queued = `${operation} (queued behind another collection of ${bitmap.name})`;
      const timeoutError = (ms: number): Error => new GracePeriodTimeout(queued, ms, rcu.holdouts());
      await rcu.holdingFor(bitmap.lock.acquire({ options: wait, since, timeoutError }));
    }
    checkTracked(operation, bitmap);
    const taken = new PageSet(store, operation);
    try {
      rcu.step();
      const release =
        maxPages === undefined ? this.take(bitmap, range(), taken) : this.takeSome(bitmap, taken, maxPages);
      if (!taken.untouched) {
        bitmap.inFlight = taken;
        // One synchronous step with the clear (GP-1): the period begins after the last bit was taken.
        const cookie = release === undefined ? rcu.request() : rcu.defer(release);
        await rcu.waitFor(operation, cookie, wait, since);
      } else {
        const turn = rcu.breathe();
        if (turn !== undefined) await turn; // a clean harvest takes a microsecond, and each await a good part of one
      }
    } catch (error) {
      this.abandon(bitmap, taken);
      await rcu.breathe();
      throw error;
    }
    bitmap.inFlight = undefined;
    return this.hand(bitmap, taken, deliver);
  }

  /**
   * Collects without a grace period: right only while every reader is stopped by a handshake that happens-before the
   * call, and resumes after it (DM-2's premise, by other means).
   * @throws UsageError while another collection of the client is under way, or its tracking begins: a reader that resumes
   *   may have tables and a mask of before
   */
  collectUnsynchronized<T>(
    operation: string,
    bitmap: ClientBitmap,
    range: PageRange,
    deliver: (taken: PageSet) => T,
  ): T {
    const { rcu, store } = this.parts;
    bitmap.checkAdmits(operation, undefined);
    if (!bitmap.lock.tryAcquire()) {
      const holdouts = rcu.describeHoldouts();
      throw new UsageError(
        `${operation}: another collection of ${bitmap.name} is under way${holdouts && `, ${holdouts}`}`,
      );
    }
    checkTracked(operation, bitmap);
    rcu.step();
    if (rcu.completed < bitmap.trackedFrom) {
      bitmap.lock.release();
      const holdouts = rcu.describeHoldouts();
      throw new UsageError(
        `${operation}: not every vCPU marks for ${bitmap.name} yet${holdouts && `, ${holdouts}`}; await track first`,
      );
    }
    const taken = new PageSet(store, operation);
    try {
      this.empty(bitmap, range, taken, () => true);
    } catch (error) {
      this.putBack(bitmap, taken);
      bitmap.lock.release();
      throw error;
    }
    return this.hand(bitmap, taken, deliver);
  }

  /**
   * Takes all of the client's bits away, word by word. The client's lock is the caller's.
   * @returns puts them back, and releases the lock
   * @throws ArenaFullError when there is no room to keep them; then both is done
   */
  borrow(operation: string, bitmap: ClientBitmap): () => void {
    const taken = new PageSet(this.parts.store, operation);
    const giveBack = (): void => this.putBorrowedBack(bitmap, taken);
    try {
      this.parts.rcu.step();
      bitmap.inFlight = taken;
      this.empty(bitmap, EVERYTHING, taken, () => true);
    } catch (error) {
      giveBack();
      throw error;
    }
    return giveBack;
  }

  /** Resolves when every collection that is under way or queued now has ended. @throws (rejects) as the limit has it */
  async settle(limit: WaitLimit): Promise<void> {
    for (const bitmap of this.parts.tables.clients) await this.between(bitmap, () => {}, limit);
  }

  /** Runs a step of the owner's while no collection of the client is under way. @throws (rejects) as the limit has it */
  async between<T>({ lock }: ClientBitmap, step: () => T, limit?: WaitLimit): Promise<T> {
    await this.parts.rcu.holdingFor(lock.acquire(limit));
    try {
      return step();
    } finally {
      lock.release();
    }
  }

  /**
   * Empties the range's blocks word by word, and swaps out whole the dense ones of which all RAM is wanted.
   * @returns what to run after the grace period, when anything was swapped
   */
  private take(bitmap: ClientBitmap, range: PageRange, taken: PageSet): AfterGracePeriod | undefined {
    const { geometry, store, swapPolicy, tables } = this.parts;
    const { pagesPerBlock, blockWords } = geometry;
    const judged = new Set<number>();
    const dense = new Set<number>();
    this.empty(bitmap, range, taken, (number, block) => {
      if (judged.has(number)) return !dense.has(number);
      judged.add(number);
      const whole = range.first <= number * pagesPerBlock && (number + 1) * pagesPerBlock <= range.end;
      if (!whole || !isDense(store.kernel, block, blockWords, swapPolicy)) return true;
      dense.add(number);
      return false;
    });
    if (dense.size === 0) return undefined;
    const swap = tables.prepareSwap(bitmap, [...dense]);
    for (const number of swap?.numbers ?? []) dense.delete(number);
    try {
      // What the arena had no room to swap.
      if (dense.size > 0) this.empty(bitmap, range, taken, (number) => dense.has(number));
    } catch (error) {
      swap?.cancel();
      throw error;
    }
    const published = swap?.publish();
    for (const [number, block] of published?.swapped ?? []) taken.adopt(number, block);
    return published?.release;
  }

  /** Empties words from the client's cursor on, once around all RAM, until `maxPages` bits are taken. */
  private takeSome(bitmap: ClientBitmap, taken: PageSet, maxPages: number): undefined {
    const { geometry, store, ramWithin } = this.parts;
    const { kernel } = store;
    let left = maxPages;
    for (const half of [
      { first: bitmap.cursor, end: EVERYTHING.end },
      { first: 0, end: bitmap.cursor },
    ]) {
      for (const part of ramWithin(half)) {
        const reached = walkBlocks(part, geometry.pagesPerBlock, (number, first, to) => {
          const block = bitmap.intactBlockAt(number);
          let page = first;
          while (page < to && left > 0) {
            const from = kernel.findSet(block, page, to);
            // No more bits than pages that may be taken, however many are set meanwhile.
            const until = Math.min(kernel.findClear(block, from, to), from + left);
            left -= taken.takeLive(block, number, from, until);
            page = until;
          }
          return page;
        });
        if (left > 0) continue;
        bitmap.cursor = reached;
        return undefined;
      }
    }
    return undefined;
  }

  /** Takes the bits of the range's blocks that are not clean and that `wanted` lets pass. */
  private empty(
    bitmap: ClientBitmap,
    range: PageRange,
    taken: PageSet,
    wanted: (number: number, block: number) => boolean,
  ): void {
    const { geometry, store, ramWithin } = this.parts;
    for (const part of ramWithin(range)) {
      eachBlock(part, geometry.pagesPerBlock, (number, from, to) => {
        const block = bitmap.intactBlockAt(number);
        const first = store.kernel.findSet(block, from, to);
        if (first < to && wanted(number, block)) taken.takeLive(block, number, first, to);
      });
    }
  }

  /** The end of a collection whose bits are not in flight any more. */
  private hand<T>(bitmap: ClientBitmap, taken: PageSet, deliver: (taken: PageSet) => T): T {
    try {
      taken.keepOnly(this.parts.ramWithin(EVERYTHING));
      return deliver(taken);
    } catch (error) {
      this.putBack(bitmap, taken);
      throw error;
    } finally {
      bitmap.lock.release();
    }
  }

  /** The end of a collection that failed after its clear: its bits stay in flight until the period has ended. */
  protected abandon(bitmap: ClientBitmap, taken: PageSet): void {
    bitmap.inFlight = taken;
    taken.awaitPeriod();
    this.parts.rcu.defer(() => this.giveBack(bitmap, taken));
  }

  protected putBorrowedBack(bitmap: ClientBitmap, taken: PageSet): void {
    this.giveBack(bitmap, taken);
  }

  private giveBack(bitmap: ClientBitmap, taken: PageSet): void {
    bitmap.inFlight = undefined;
    try {
      this.putBack(bitmap, taken);
    } finally {
      bitmap.lock.release();
    }
  }

  /** Into the blocks and the RAM of the moment. */
  protected putBack(bitmap: ClientBitmap, taken: PageSet): void {
    const { geometry, ramWithin } = this.parts;
    for (const part of ramWithin(EVERYTHING)) {
      eachBlock(part, geometry.pagesPerBlock, (number, from, to) => {
        taken.returnLive(bitmap.blockAt(number), number, from, to);
      });
    }
    taken.dispose();
  }
}

/** Of a client whose lock is held. */
function checkTracked(operation: string, { tracked, lock, name }: ClientBitmap): void {
  if (tracked) return;
  lock.release();
  throw new UsageError(`${operation}: ${name} is not tracked; call track first`);
}
