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
 * DM-8 Users of a client share its live bits, and each has besides a set of what others have collected and it has not. No
 *   user misses a page. Let a reader mark a page, and let C be the first collection to clear its bit after that which is not
 *   given up. When C delivers, the interval has ended (DM-2), and in that step the page becomes pending for every other
 *   user. It stays so until a collection of that user's hands it over, which is after the end of the interval: the copy
 *   has the store. Until C delivers the page is live or in flight, and the client's lock lets no other collection come
 *   between, but for one that does not wait: that one hands over a copy of what is in flight. To a user that comes later all
 *   RAM is pending. What others have collected needs no grace period, since it has had one.
 *   Room for all that a delivery changes is made before anything is changed: a collection that finds none delivers to
 *   nobody. What leaves a pending set is handed over in the same step, or is of RAM that is gone.
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
import type { ClientBitmap, User } from './client-bitmap.js';
import { isDense, type SwapPolicy } from './density.js';
import { EVERYTHING, type PageRange, walkBlocks } from './page-range.js';
import type { PageRanges } from './page-ranges.js';
import { PageSet } from './page-set.js';
import type { PageSetStore } from './page-set-store.js';
import type { PendingPages } from './pending-pages.js';
import { walkSetParts } from './set-parts.js';

export interface CollectorParts {
  readonly geometry: Geometry;
  readonly tables: BlockTables;
  readonly rcu: Rcu;
  readonly store: PageSetStore;
  /** The RAM of the moment. */
  readonly ram: PageRanges;
  readonly swapPolicy: SwapPolicy;
}

/** What to collect, and for whom. */
export interface Collection<T> {
  readonly operation: string;
  readonly bitmap: ClientBitmap;
  readonly user: User;
  /** Asked for at the clear, which may come long after the call: a place may be other RAM's by then. */
  readonly range: () => PageRange;
  /** Of all RAM: collect no more than so many, from where the user's last such collection stopped. */
  readonly maxPages?: number | undefined;
  /** Looks, before anything is delivered to anyone, whether it can be. @throws what the collection fails with */
  readonly check?: () => void;
  /** Where `deliver` merges the pages that it is handed. What would be read twice is merged there directly. */
  readonly into?: PageSet | undefined;
  /**
   * Is handed the set, clipped to the RAM of that moment, and owns it; runs synchronously with the end. Cannot fail.
   * @param added how many pages are new in `into` already, and not in the set
   */
  readonly deliver: (taken: PageSet, added: number) => T;
}

/** Who takes over blocks that were collected, by their numbers. */
type Heirs = ReadonlyMap<number, PendingPages>;
const NOBODY: Heirs = new Map();
const NOTHING: ReadonlySet<number> = new Set();

export class Collector {
  protected readonly parts: CollectorParts;

  constructor(parts: CollectorParts) {
    this.parts = parts;
  }

  /**
   * The clear runs inside the call when no other collection of the client is under way. When no bit was set, no grace
   * period is waited for.
   * @throws (rejects) GracePeriodTimeout, the signal's reason, ArenaFullError, UsageError
   */
  async collect<T>(collection: Collection<T>, options: WaitOptions): Promise<T> {
    const { operation, bitmap, range, maxPages } = collection;
    const { rcu, store } = this.parts;
    const wait = readWaitOptions(operation, options);
    rcu.checkMayWait(operation);
    wait.signal?.throwIfAborted();
    const since = performance.now();
    if (!bitmap.lock.tryAcquire()) {
      const queued = `${operation} (queued behind another collection of ${bitmap.name})`;
      const timeoutError = (ms: number): Error => new GracePeriodTimeout(queued, ms, rcu.holdouts());
      await rcu.holdingFor(bitmap.lock.acquire({ options: wait, since, timeoutError }));
    }
    try {
      checkUses(collection);
    } catch (error) {
      bitmap.lock.release();
      throw error;
    }
    const taken = new PageSet(store, operation);
    let chosen: PageSet | undefined;
    try {
      rcu.step();
      if (maxPages !== undefined) chosen = this.takeSome(collection, taken, maxPages);
      const release = maxPages === undefined ? this.take(bitmap, range(), taken) : undefined;
      if (!taken.untouched) {
        bitmap.inFlight = taken;
        // The period begins after the last bit was taken (GP-1).
        const cookie = await rcu.requestTogether(operation, release);
        await rcu.waitFor(operation, cookie, wait, since);
      } else {
        const turn = rcu.breathe();
        if (turn !== undefined) await turn; // a clean harvest takes a microsecond, and each await a good part of one
      }
    } catch (error) {
      chosen?.dispose();
      this.abandon(bitmap, taken);
      await rcu.breathe();
      throw error;
    }
    bitmap.inFlight = undefined;
    try {
      return this.hand(collection, taken, chosen);
    } finally {
      bitmap.lock.release();
    }
  }

  /**
   * Collects without a grace period: right only while every reader is offline (DM-2's premise, by other means). What another
   * collection has in flight it copies: that one delivers as ever, so that a page may be seen twice.
   */
  collectWhileStopped<T>(collection: Collection<T>): T {
    const { operation, bitmap, range } = collection;
    const { rcu, store } = this.parts;
    bitmap.lock.endLoan();
    checkUses(collection);
    rcu.step();
    const taken = new PageSet(store, operation);
    let inFlight: PageSet | undefined;
    try {
      this.empty(bitmap, range(), taken, () => true);
      if (bitmap.inFlight !== undefined) {
        inFlight = new PageSet(store, operation);
        inFlight.addAll(bitmap.inFlight);
        inFlight.keepOnly([range()]);
      }
    } catch (error) {
      inFlight?.dispose();
      this.putBack(bitmap, taken);
      throw error;
    }
    return this.hand(collection, taken, undefined, inFlight);
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
      bitmap.lent = this.parts.ram.copy();
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

  /**
   * Pages that others have collected come first, with their bits; then pages whose bits are set. Both are found from the user's
   * cursor on, once around all RAM.
   * @returns the former
   */
  private takeSome({ operation, bitmap, user }: Collection<unknown>, taken: PageSet, maxPages: number): PageSet {
    const { kernel } = this.parts.store;
    const chosen = user.pending.choose(maxPages, user.cursor, operation);
    try {
      for (const run of chosen.ranges()) this.empty(bitmap, run, taken, () => true);
      let left = maxPages - chosen.pages;
      for (const half of [
        { first: user.cursor, end: EVERYTHING.end },
        { first: 0, end: user.cursor },
      ]) {
        const reached = this.walkSet(bitmap, half, (number, block, first, to) => {
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
        user.cursor = reached;
        return chosen;
      }
      return chosen;
    } catch (error) {
      chosen.dispose();
      throw error;
    }
  }

  /** Takes the bits of the range's RAM in the blocks that are not clean and that `wanted` lets pass. */
  private empty(
    bitmap: ClientBitmap,
    range: PageRange,
    taken: PageSet,
    wanted: (number: number, block: number) => boolean,
  ): void {
    this.walkSet(bitmap, range, (number, block, from, to) => {
      if (wanted(number, block)) taken.takeLive(block, number, from, to);
      return to;
    });
  }

  /**
   * Visits the client's blocks in the range, and of each the parts of RAM in which bits are set, from the first set bit on.
   * @returns as `walkBlocks`, up to the end of RAM
   */
  private walkSet(
    bitmap: ClientBitmap,
    range: PageRange,
    visit: (number: number, block: number, from: number, to: number) => number,
  ): number {
    const { geometry, ram, store, tables } = this.parts;
    const { pagesPerBlock } = geometry;
    const end = Math.min(range.end, ram.end);
    return walkBlocks({ first: range.first, end }, pagesPerBlock, (number, from, to) => {
      const block = bitmap.intactBlockAt(number);
      if (!tables.hasBlock(number)) return to;
      return walkSetParts(
        ram,
        number * pagesPerBlock,
        [from, to],
        (first, last) => store.kernel.findSet(block, first, last),
        (first, last) => visit(number, block, first, last),
      );
    });
  }

  /**
   * The end of a collection whose bits are not in flight any more. Room for all that changes is made first; then nothing can
   * fail.
   * @param chosen the pages of others' collections, where not all of the range's are handed over. Disposed of
   * @param inFlight copied from another collection. Absorbed
   */
  private hand<T>(collection: Collection<T>, taken: PageSet, chosen?: PageSet, inFlight?: PageSet): T {
    const { operation, bitmap, user } = collection;
    // Nothing was taken of most collections that are asked for often.
    const others = taken.untouched ? [] : [...bitmap.users].filter((other) => other !== user);
    const undo: (() => void)[] = [];
    let share: PageSet | PageRange;
    let heirs = NOBODY;
    let collected = NOTHING;
    try {
      taken.clip(this.parts.ram);
      chosen?.clip(this.parts.ram);
      inFlight?.clip(this.parts.ram);
      collection.check?.();
      share = chosen ?? collection.range();
      if (others.length > 0) {
        if (share === EVERYTHING) heirs = this.heirs(taken, user, others);
        collected = taken.numbers; // before room is made in it for what was pending
      }
      for (const { pending } of others) {
        undo.push(pending.reserveFor(taken, operation, (number) => heirs.get(number) !== pending));
      }
      user.pending.reserveMove(share, taken);
    } catch (error) {
      for (const giveBack of undo) giveBack();
      chosen?.dispose();
      inFlight?.dispose();
      this.putBack(bitmap, taken);
      throw error;
    }
    for (const { pending } of others) {
      this.deliverTo(pending, taken, (number) => collected.has(number) && heirs.get(number) !== pending);
    }
    if (inFlight !== undefined) taken.absorb(inFlight);
    if (heirs.size > 0) {
      const own = user.pending.takeAll();
      const added = bequeath(taken, own, heirs, collection.into);
      return collection.deliver(own, added);
    }
    user.pending.moveTo(share, taken);
    chosen?.dispose();
    return collection.deliver(taken, 0);
  }

  /**
   * A block that was swapped out, and that the collector has pages of already, need not be copied: its pages are added to
   * the collector's, and it goes to a user that has none there.
   */
  protected heirs(taken: PageSet, user: User, others: readonly User[]): Heirs {
    const heirs = new Map<number, PendingPages>();
    for (const number of taken.adopted) {
      const heir = user.pending.hasBlock(number) ? others.find(({ pending }) => pending.lacks(number)) : undefined;
      if (heir !== undefined) heirs.set(number, heir.pending);
    }
    return heirs;
  }

  /** Adds what was collected to what another user has yet to collect. */
  protected deliverTo(pending: PendingPages, taken: PageSet, wanted: (number: number) => boolean): void {
    pending.add(taken, wanted);
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
    bitmap.lent = undefined;
    try {
      this.putBack(bitmap, taken);
    } finally {
      bitmap.lock.release();
    }
  }

  /** Into the blocks and the RAM of the moment. */
  protected putBack(bitmap: ClientBitmap, taken: PageSet): void {
    taken.eachPartOf(this.parts.ram, (number, from, to) => {
      taken.returnLive(bitmap.blockAt(number), number, from, to);
    });
    taken.dispose();
  }
}

/**
 * Moves all pages of `taken` to `own`, and hands its dense blocks on to their heirs as they are. Where `own` has a dense
 * block too, the pages of both go straight to `into`, if there is one: merged with each other first, and counted or merged
 * into that afterwards, they would be read twice.
 * @returns how many pages are new in `into`
 */
function bequeath(taken: PageSet, own: PageSet, heirs: Heirs, into: PageSet | undefined): number {
  let added = 0;
  for (const [number, heir] of heirs) {
    const block = taken.release(number);
    if (into === undefined || !own.adopted.has(number)) own.addBlockAndCount(number, block);
    else if (into.hasBlock(number)) added += into.absorbBlock(number, own.release(number), block);
    else {
      into.adopt(number, own.release(number));
      added += into.addBlockAndCount(number, block);
    }
    heir.adopt(number, block);
  }
  own.absorb(taken);
  return added;
}

/** @throws UsageError where the user tracks the client no more, or never did */
function checkUses({ operation, bitmap, user }: Collection<unknown>): void {
  if (bitmap.users.has(user)) return;
  throw new UsageError(
    `${operation}: ${bitmap.name} is not tracked by '${user.name}'; call await memory.track(${bitmap.name}), and collect by the Tracking that it gives`,
  );
}
