/**
 * Collecting: clear a client's bits, wait a grace period, and only then hand them over. Harvest, sync, snapshot and
 * test-and-clear are this one protocol with different ranges and deliveries (QEMU:
 * cpu_physical_memory_sync_dirty_bitmap and related functions, with the wait that 9458a9a1df1a added).
 *
 * DM-2 A reader does a store and its mark within one interval, in either order. Let a collection clear the mark's bit
 *   and then request a grace period, and let g be that period's number. An interval that began with a number below g
 *   ends with a report that the period waits for (GP-2, GP-6): its stores happen-before the end of the period, so they
 *   are in any copy made after delivery. This holds even if its mark tested the bit just before the clear, found it
 *   set, and wrote nothing. An interval that began with g or a later number began after the clear (GP-1, GP-3), so its
 *   marks find the bit clear, or set again by a later mark, and the next collection reports the page. So of the
 *   collections that clear the page's bit after a mark, the first one that delivers the page has the store in its copy.
 *   Collections whose range or `maxPages` does not reach the page leave its bit alone, and collections that fail put it
 *   back (DM-3). In both cases the bit is there for a later collection, whose clear also follows the mark.
 *   What follows for many stores with one mark is DM-7 (dirty/vcpu.ts).
 * DM-3 Bits that were taken, and blocks that were swapped out, belong to one collection until its period has ended,
 *   whether it was aborted or not: the client's lock is held until then. An interval that began before the swap may
 *   still mark in the old block. If the block were delivered or put back earlier, that mark would be lost. Bits that
 *   were taken word by word could go back at once, as those of a measurement do (below), because the collection that
 *   takes them next clears later and waits for a period of its own. They wait with the blocks because one collection
 *   may have both.
 * DM-5 The copy may hold parts of later stores; the pages of these stores are dirty again.
 *
 * A sparse block is emptied by exchange, word by word. A dense block is swapped out: before the grace period is
 * requested, a table with a fresh zeroed block in its place is published. Marks of intervals that are open at that time
 * go to the old block or to the new one. This collection delivers the marks in the old block, and its grace period
 * waits for their stores too. When the period has ended no reader holds the old table (GP-6), so the collection owns
 * the old block: it is merged with plain accesses, or becomes a block of the page set unchanged.
 *
 * A collection that fails after the clear (timeout, abort, no memory) rejects at once. It requests a grace period at
 * the failure (its own, or the next one if its own is already running). When that period has ended, its bits go back by
 * atomic or into the blocks and the RAM that exist then, and the next collection in the queue runs. Until then the bits
 * are *in flight*: the owner's queries count them as dirty.
 *
 * DM-8 Users of a client share its live bits. Each user also has a set of the pages that others have collected and it
 *   has not. No user misses a page. Let a reader mark a page, and let C be the first collection that clears the page's
 *   bit after the mark and is not given up. When C delivers, the interval of the mark has ended (DM-2). In the step of
 *   the delivery the page becomes pending for every other user. It stays pending until a collection of that user hands
 *   it over. That is after the end of the interval, so the user's copy has the store. Until C delivers, the page is
 *   live or in flight, and the client's lock keeps other collections out. The only exception is a collection that does
 *   not wait (`collectWhileStopped`): it hands over a copy of the pages in flight. For a user that comes later all RAM
 *   is pending. Pages that others have collected need no grace period, since theirs has ended.
 *   A delivery first makes room for all its changes: a collection that finds no room delivers to nobody. Pages leave a
 *   pending set only when they are handed over in the same step, or when their RAM is gone.
 *
 * A measurement borrows the bits: it takes all bits, counts the pages that turn dirty meanwhile, and puts the bits
 * back. This needs no grace period, and DM-2 holds for the next collection as if the bits had been live all the time.
 * To see this, let the clear of the next collection follow the putting back, and let g be the number of its period. The
 * collection waits for every interval that began with a number below g, whatever its marks have found. An interval that
 * began with g or a later number began after both clears and the putting back. A measurement must not swap blocks out:
 * intervals that hold the old table would go on marking in the old block, where neither the count nor the next
 * collection finds the marks.
 */
import type { Arena } from '../arena/arena.js';
import { collectionNumber, Kind } from '../arena/trace-kinds.js';
import { GracePeriodTimeout, UsageError } from '../base/errors.js';
import { readWaitOptions, type WaitLimit, type WaitOptions } from '../base/wait.js';
import { endLocalIntervals } from '../rcu/local-readers.js';
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
  readonly arena: Arena;
  readonly tables: BlockTables;
  readonly rcu: Rcu;
  readonly store: PageSetStore;
  /** The RAM of the moment: what is plugged and not discarded. */
  readonly ram: PageRanges;
  readonly swapPolicy: SwapPolicy;
}

/** What to collect, and for whom. */
export interface Collection<T> {
  readonly operation: string;
  readonly bitmap: ClientBitmap;
  readonly user: User;
  /** Called at the clear, which may come long after the call: by then other RAM may be at the same place. */
  readonly range: () => PageRange;
  /** Collect at most this many pages of all RAM, from where the user's last collection of this kind stopped. */
  readonly maxPages?: number | undefined;
  /**
   * Checks that the result can be delivered, before anything changes.
   * @throws the error that the collection rejects with
   */
  readonly check?: () => void;
  /** Where `deliver` merges the pages that it is handed. What would be read twice is merged there directly. */
  readonly into?: PageSet | undefined;
  /**
   * Is handed the set, clipped to the RAM of that moment, and owns it; runs synchronously with the end. Cannot fail.
   * @param added how many pages are new in `into` already, and not in the set
   */
  readonly deliver: (taken: PageSet, added: number) => T;
}

/** Maps the numbers of collected blocks to the pending pages that take the blocks over. */
type Heirs = ReadonlyMap<number, PendingPages>;
const NOBODY: Heirs = new Map();
const NOTHING: ReadonlySet<number> = new Set();

export class Collector {
  protected readonly parts: CollectorParts;

  constructor(parts: CollectorParts) {
    this.parts = parts;
  }

  /**
   * Collects with a grace period. The clear runs inside the call when no other collection of the client is under way.
   * When no bit was set, there is no wait for a grace period.
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
      this.note(Kind.Clear, collection);
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
      this.note(Kind.GiveBack, collection);
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
   * Collects without a grace period. This is right only while every reader of another thread is offline, which gives
   * the same guarantee as the grace period of DM-2. The intervals of this thread's readers end here, after the clear:
   * what they go on to mark, and what a listener of `onInterval` marks, is of a new interval. If another collection has
   * bits in flight, this one copies them; the other collection still delivers, so a page may be seen twice.
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
      this.note(Kind.GiveBack, collection);
      this.putBack(bitmap, taken);
      throw error;
    }
    this.note(Kind.Clear, collection);
    this.endLocalIntervals();
    return this.hand(collection, taken, undefined, inFlight);
  }

  /**
   * Takes all of the client's bits away, word by word. The caller must hold the client's lock.
   * @returns a function that puts the bits back and releases the lock
   * @throws ArenaFullError when there is no room for the bits; they are back and the lock is released then
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

  /** Resolves when every collection that is under way or queued now has ended. @throws (rejects) as `limit` says */
  async settle(limit: WaitLimit): Promise<void> {
    for (const bitmap of this.parts.tables.clients) await this.between(bitmap, () => {}, limit);
  }

  /** Runs a step of the owner while no collection of the client is under way. @throws (rejects) as `limit` says */
  async between<T>({ lock }: ClientBitmap, step: () => T, limit?: WaitLimit): Promise<T> {
    await this.parts.rcu.holdingFor(lock.acquire(limit));
    try {
      return step();
    } finally {
      lock.release();
    }
  }

  /**
   * Takes the bits of the range: swaps out the dense blocks that lie entirely in the range, and empties the other
   * blocks word by word.
   * @returns what to run after the grace period, when anything was swapped
   */
  private take(bitmap: ClientBitmap, range: PageRange, taken: PageSet): AfterGracePeriod | undefined {
    const { arena, store, swapPolicy, tables } = this.parts;
    const { pagesPerBlock, blockWords } = arena.geometry;
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
      // The dense blocks that the arena had no room to swap are emptied too.
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
   * Takes the bits of at most `maxPages` pages. The user's pending pages come first, then pages whose live bits are
   * set. Both searches begin at the user's cursor and go once around all RAM.
   * @returns the pending pages that were chosen
   */
  private takeSome({ operation, bitmap, user }: Collection<unknown>, taken: PageSet, maxPages: number): PageSet {
    const { kernel } = this.parts.store;
    const { chosen, reached: reachedPending } = user.pending.choose(maxPages, user.cursor, operation);
    try {
      for (const run of chosen.ranges()) this.empty(bitmap, run, taken, () => true);
      let left = maxPages - chosen.pages;
      if (left === 0) {
        user.cursor = reachedPending;
        return chosen;
      }
      for (const half of [
        { first: user.cursor, end: EVERYTHING.end },
        { first: 0, end: user.cursor },
      ]) {
        const reached = this.walkSet(bitmap, half, (number, block, first, to) => {
          let page = first;
          while (page < to && left > 0) {
            const from = kernel.findSet(block, page, to);
            // The range is limited to `left` pages, however many bits vCPUs set in it meanwhile.
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

  /** Takes the bits of the range's RAM, in those blocks with set bits for which `wanted` returns true. */
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
   * Visits the parts of RAM in the range in which the client's bits are set, block by block, each part from its first
   * set bit on.
   * @returns as `walkBlocks`, up to the end of RAM
   */
  private walkSet(
    bitmap: ClientBitmap,
    range: PageRange,
    visit: (number: number, block: number, from: number, to: number) => number,
  ): number {
    const { arena, ram, store, tables } = this.parts;
    const { pagesPerBlock } = arena.geometry;
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
   * Ends a collection whose bits are no longer in flight. Makes room for all changes first; after that nothing can
   * fail.
   * @param chosen the pending pages to hand over; without it, all pending pages of the range. Is disposed of
   * @param inFlight pages copied from another collection's bits in flight. Is absorbed
   */
  private hand<T>(collection: Collection<T>, taken: PageSet, chosen?: PageSet, inFlight?: PageSet): T {
    const { operation, bitmap, user } = collection;
    // A shortcut: collections that run often mostly take nothing.
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
        collected = taken.numbers; // before `reserveMove` adds blocks for the user's pending pages
      }
      for (const { pending } of others) {
        undo.push(pending.reserveFor(taken, operation, (number) => heirs.get(number) !== pending));
      }
      user.pending.reserveMove(share, taken);
    } catch (error) {
      for (const giveBack of undo) giveBack();
      chosen?.dispose();
      inFlight?.dispose();
      this.note(Kind.GiveBack, collection);
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
      this.noteDelivery(collection, own, added);
      return collection.deliver(own, added);
    }
    user.pending.moveTo(share, taken);
    chosen?.dispose();
    this.noteDelivery(collection, taken, 0);
    return collection.deliver(taken, 0);
  }

  private note(kind: number, { operation, bitmap }: Collection<unknown>): void {
    this.parts.arena.recorder?.note(kind, collectionNumber(operation, bitmap.client));
  }

  private noteDelivery({ operation, bitmap }: Collection<unknown>, pages: PageSet, added: number): void {
    const { recorder } = this.parts.arena;
    recorder?.note(Kind.Deliver, collectionNumber(operation, bitmap.client), pages.pages + added);
  }

  /**
   * Finds blocks that need not be copied. A swapped-out block, of which the collecting user already has pending pages,
   * is merged into the user's block and then given to another user that has no block with its number.
   */
  protected heirs(taken: PageSet, user: User, others: readonly User[]): Heirs {
    const heirs = new Map<number, PendingPages>();
    for (const number of taken.adopted) {
      const heir = user.pending.hasBlock(number) ? others.find(({ pending }) => pending.lacks(number)) : undefined;
      if (heir !== undefined) heirs.set(number, heir.pending);
    }
    return heirs;
  }

  protected endLocalIntervals(): void {
    endLocalIntervals(this.parts.arena);
  }

  /** Adds what was collected to what another user has yet to collect. */
  protected deliverTo(pending: PendingPages, taken: PageSet, wanted: (number: number) => boolean): void {
    pending.add(taken, wanted);
  }

  /** Ends a collection that failed after its clear: its bits stay in flight until a grace period has ended. */
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

  /** Sets the bits again in the blocks that exist now, where RAM is plugged now. */
  protected putBack(bitmap: ClientBitmap, taken: PageSet): void {
    taken.eachPartOf(this.parts.ram, (number, from, to) => {
      taken.returnLive(bitmap.blockAt(number), number, from, to);
    });
    taken.dispose();
  }
}

/**
 * Moves all pages of `taken` to `own`, and hands its dense blocks on to their heirs as they are. Where `own` has a
 * dense block too, the pages of both go straight to `into`, if there is one: merged with each other first, and
 * counted or merged into that afterwards, they would be read twice.
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

/** @throws UsageError when the user does not track the client */
function checkUses({ operation, bitmap, user }: Collection<unknown>): void {
  if (bitmap.users.has(user)) return;
  throw new UsageError(
    `${operation}: ${bitmap.name} is not tracked by '${user.name}'; call await memory.track(${bitmap.name}), and collect with the Tracking that it returns`,
  );
}
