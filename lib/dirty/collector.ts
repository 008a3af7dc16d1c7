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
import type { Arena } from '../arena/arena.js';
import { GracePeriodTimeout, UsageError } from '../base/errors.js';
import { readWaitOptions, type WaitLimit, type WaitOptions } from '../base/wait.js';
import type { Rcu } from '../rcu/rcu.js';
import type { AfterGracePeriod, BlockTables } from './block-tables.js';
import { CLIENT_COUNT, type Client, clientName } from './client.js';
import { ClientLock } from './client-lock.js';
import { isDense, type SwapPolicy } from './density.js';
import { EVERYTHING, eachBlock, type PageRange, walkBlocks } from './page-range.js';
import { PageSet } from './page-set.js';
import type { PageSetStore } from './page-set-store.js';

/** The RAM of the moment within a range, ascending. */
export type RamWithin = (range: PageRange) => Iterable<PageRange>;

/** Who has a client alone (dirty/exclusive-use.ts), as the errors of everybody else's calls show it. */
export interface ExclusiveUser {
  /** With its article: 'a migration'. */
  readonly name: string;
  /** What to do about it, as the middle of a sentence. */
  readonly remedy: string;
}

/** @internal */
export interface ClientState {
  readonly lock: ClientLock;
  inFlight: PageSet | undefined;
  /** Who alone may begin a collection. */
  exclusive: ExclusiveUser | undefined;
  /** The cookie of the period after which every vCPU marks for the client. */
  trackedFrom: number;
  /** Where the next bounded collection begins. */
  cursor: number;
}

export class Collector {
  private readonly arena: Arena;
  private readonly tables: BlockTables;
  protected readonly rcu: Rcu;
  private readonly store: PageSetStore;
  private readonly ramWithin: RamWithin;
  private readonly swapPolicy: SwapPolicy;
  private readonly states: ClientState[] = [];

  constructor(
    arena: Arena,
    tables: BlockTables,
    rcu: Rcu,
    store: PageSetStore,
    ramWithin: RamWithin,
    swapPolicy: SwapPolicy,
  ) {
    this.arena = arena;
    this.tables = tables;
    this.rcu = rcu;
    this.store = store;
    this.ramWithin = ramWithin;
    this.swapPolicy = swapPolicy;
    for (let i = 0; i < CLIENT_COUNT; i++) {
      this.states.push({
        lock: new ClientLock(),
        inFlight: undefined,
        exclusive: undefined,
        trackedFrom: 0,
        cursor: 0,
      });
    }
  }

  /** The client's bits that a collection has cleared and not yet delivered or put back. */
  inFlight(client: Client): PageSet | undefined {
    return this.state(client).inFlight;
  }

  /**
   * Collects the RAM within `range`. The clear runs inside the call when no other collection of the client is under
   * way. When nothing was dirty no grace period is waited for.
   * @param range asked for at the clear, which may come long after the call: a place may be other RAM's by then
   * @param deliver is handed the set, clipped to the RAM of that moment, and owns it; runs synchronously with the end
   * @param maxPages of all RAM: collect no more than so many, from where the client's last such collection stopped
   * @param user who collects, where somebody has the client alone
   * @throws (rejects) GracePeriodTimeout, the signal's reason, ArenaFullError, UsageError
   */
  async collect<T>(
    operation: string,
    client: Client,
    range: () => PageRange,
    options: WaitOptions,
    deliver: (taken: PageSet) => T,
    maxPages?: number,
    user?: ExclusiveUser,
  ): Promise<T> {
    const wait = readWaitOptions(operation, options);
    this.rcu.checkMayWait(operation);
    const state = this.state(client);
    checkAdmitted(operation, client, state, user);
    wait.signal?.throwIfAborted();
    const since = performance.now();
    if (!state.lock.tryAcquire()) {
      const queued = `${operation} (queued behind another collection of ${clientName(client)})`;
      const timeoutError = (ms: number): Error => new GracePeriodTimeout(queued, ms, this.rcu.holdouts());
      await this.rcu.holdingFor(state.lock.acquire({ options: wait, since, timeoutError }));
    }
    this.checkTracked(operation, client, state);
    const taken = new PageSet(this.store, operation);
    try {
      this.rcu.step();
      const release =
        maxPages === undefined ? this.take(client, range(), taken) : this.takeSome(client, state, taken, maxPages);
      if (!taken.untouched) {
        state.inFlight = taken;
        // One synchronous step with the clear (GP-1): the period begins after the last bit was taken.
        const cookie = release === undefined ? this.rcu.request() : this.rcu.defer(release);
        await this.rcu.waitFor(operation, cookie, wait, since);
      } else {
        const turn = this.rcu.breathe();
        if (turn !== undefined) await turn; // a clean harvest takes a microsecond, and each await a good part of one
      }
    } catch (error) {
      this.abandon(client, state, taken);
      await this.rcu.breathe();
      throw error;
    }
    state.inFlight = undefined;
    return this.hand(client, state, taken, deliver);
  }

  /**
   * Collects without a grace period: right only while every reader is stopped by a handshake that happens-before the
   * call, and resumes after it (DM-2's premise, by other means).
   * @throws UsageError while another collection of the client is under way, or its tracking begins: a reader that resumes
   *   may have tables and a mask of before
   */
  collectUnsynchronized<T>(operation: string, client: Client, range: PageRange, deliver: (taken: PageSet) => T): T {
    const state = this.state(client);
    checkAdmitted(operation, client, state, undefined);
    if (!state.lock.tryAcquire()) {
      const holdouts = this.rcu.describeHoldouts();
      throw new UsageError(
        `${operation}: another collection of ${clientName(client)} is under way${holdouts && `, ${holdouts}`}`,
      );
    }
    this.checkTracked(operation, client, state);
    this.rcu.step();
    if (this.rcu.completed < state.trackedFrom) {
      state.lock.release();
      const holdouts = this.rcu.describeHoldouts();
      throw new UsageError(
        `${operation}: not every vCPU marks for ${clientName(client)} yet${holdouts && `, ${holdouts}`}; await track first`,
      );
    }
    const taken = new PageSet(this.store, operation);
    try {
      this.empty(client, range, taken, () => true);
    } catch (error) {
      this.putBack(client, taken);
      state.lock.release();
      throw error;
    }
    return this.hand(client, state, taken, deliver);
  }

  /**
   * From now on nobody but the user begins a collection of the client, until `admitAll`. Those that were called before go on.
   * @throws UsageError while another user has the client alone
   */
  admitOnly(operation: string, client: Client, user: ExclusiveUser): void {
    const state = this.state(client);
    checkAdmitted(operation, client, state, user);
    state.exclusive = user;
  }

  /** Ends what `admitOnly` began. */
  admitAll(client: Client): void {
    this.state(client).exclusive = undefined;
  }

  /** Told of the period that lets every vCPU know that the client is tracked. */
  tracksFrom(client: Client, cookie: number): void {
    this.state(client).trackedFrom = cookie;
  }

  /** What a client's bits in flight are guarded by. */
  lockOf(client: Client): ClientLock {
    return this.state(client).lock;
  }

  /**
   * Takes all of the client's bits away, word by word. The client's lock is the caller's.
   * @returns puts them back, and releases the lock
   * @throws ArenaFullError when there is no room to keep them; then both is done
   */
  borrow(operation: string, client: Client): () => void {
    const state = this.state(client);
    const taken = new PageSet(this.store, operation);
    const giveBack = (): void => this.putBorrowedBack(client, state, taken);
    try {
      this.rcu.step();
      state.inFlight = taken;
      this.empty(client, EVERYTHING, taken, () => true);
    } catch (error) {
      giveBack();
      throw error;
    }
    return giveBack;
  }

  /** Resolves when every collection that is under way or queued now has ended. @throws (rejects) as the limit has it */
  async settle(limit: WaitLimit): Promise<void> {
    for (let client = 0; client < CLIENT_COUNT; client++) await this.between(client as Client, () => {}, limit);
  }

  /** Runs a step of the owner's while no collection of the client is under way. @throws (rejects) as the limit has it */
  async between<T>(client: Client, step: () => T, limit?: WaitLimit): Promise<T> {
    const { lock } = this.state(client);
    await this.rcu.holdingFor(lock.acquire(limit));
    try {
      return step();
    } finally {
      lock.release();
    }
  }

  /** Of a client whose lock is held. */
  private checkTracked(operation: string, client: Client, state: ClientState): void {
    if (this.tables.isTracked(client)) return;
    state.lock.release();
    throw new UsageError(`${operation}: ${clientName(client)} is not tracked; call track first`);
  }

  private state(client: Client): ClientState {
    return this.states[client] as ClientState;
  }

  /**
   * Empties the range's blocks word by word, and swaps out whole the dense ones of which all RAM is wanted.
   * @returns what to run after the grace period, when anything was swapped
   */
  private take(client: Client, range: PageRange, taken: PageSet): AfterGracePeriod | undefined {
    const { pagesPerBlock, blockWords } = this.arena.geometry;
    const judged = new Set<number>();
    const dense = new Set<number>();
    this.empty(client, range, taken, (number, block) => {
      if (judged.has(number)) return !dense.has(number);
      judged.add(number);
      const whole = range.first <= number * pagesPerBlock && (number + 1) * pagesPerBlock <= range.end;
      if (!whole || !isDense(this.store.kernel, block, blockWords, this.swapPolicy)) return true;
      dense.add(number);
      return false;
    });
    if (dense.size === 0) return undefined;
    const swap = this.tables.prepareSwap(client, [...dense]);
    for (const number of swap?.numbers ?? []) dense.delete(number);
    try {
      // What the arena had no room to swap.
      if (dense.size > 0) this.empty(client, range, taken, (number) => dense.has(number));
    } catch (error) {
      swap?.cancel();
      throw error;
    }
    const published = swap?.publish();
    for (const [number, block] of published?.swapped ?? []) taken.adopt(number, block);
    return published?.release;
  }

  /** Empties words from the client's cursor on, once around all RAM, until `maxPages` bits are taken. */
  private takeSome(client: Client, state: ClientState, taken: PageSet, maxPages: number): undefined {
    const { pagesPerBlock } = this.arena.geometry;
    const { kernel } = this.store;
    let left = maxPages;
    for (const half of [
      { first: state.cursor, end: EVERYTHING.end },
      { first: 0, end: state.cursor },
    ]) {
      for (const part of this.ramWithin(half)) {
        const reached = walkBlocks(part, pagesPerBlock, (number, first, to) => {
          const block = this.tables.intactBlockAt(client, number);
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
        state.cursor = reached;
        return undefined;
      }
    }
    return undefined;
  }

  /** Takes the bits of the range's blocks that are not clean and that `wanted` lets pass. */
  private empty(
    client: Client,
    range: PageRange,
    taken: PageSet,
    wanted: (number: number, block: number) => boolean,
  ): void {
    for (const part of this.ramWithin(range)) {
      eachBlock(part, this.arena.geometry.pagesPerBlock, (number, from, to) => {
        const block = this.tables.intactBlockAt(client, number);
        const first = this.store.kernel.findSet(block, from, to);
        if (first < to && wanted(number, block)) taken.takeLive(block, number, first, to);
      });
    }
  }

  /** The end of a collection whose bits are not in flight any more. */
  private hand<T>(client: Client, state: ClientState, taken: PageSet, deliver: (taken: PageSet) => T): T {
    try {
      taken.keepOnly(this.ramWithin(EVERYTHING));
      return deliver(taken);
    } catch (error) {
      this.putBack(client, taken);
      throw error;
    } finally {
      state.lock.release();
    }
  }

  /** The end of a collection that failed after its clear: its bits stay in flight until the period has ended. */
  protected abandon(client: Client, state: ClientState, taken: PageSet): void {
    state.inFlight = taken;
    taken.awaitPeriod();
    this.rcu.defer(() => this.giveBack(client, state, taken));
  }

  protected putBorrowedBack(client: Client, state: ClientState, taken: PageSet): void {
    this.giveBack(client, state, taken);
  }

  private giveBack(client: Client, state: ClientState, taken: PageSet): void {
    state.inFlight = undefined;
    try {
      this.putBack(client, taken);
    } finally {
      state.lock.release();
    }
  }

  /** Into the blocks and the RAM of the moment. */
  protected putBack(client: Client, taken: PageSet): void {
    for (const part of this.ramWithin(EVERYTHING)) {
      eachBlock(part, this.arena.geometry.pagesPerBlock, (number, from, to) => {
        taken.returnLive(this.tables.blockAt(client, number), number, from, to);
      });
    }
    taken.dispose();
  }
}

/** @throws UsageError where somebody else has the client alone */
function checkAdmitted(
  operation: string,
  client: Client,
  { exclusive }: ClientState,
  user: ExclusiveUser | undefined,
): void {
  if (exclusive === undefined || exclusive === user) return;
  const { name, remedy } = exclusive;
  throw new UsageError(
    `${operation}: ${name} collects ${clientName(client)} alone, for it would miss the pages that others collect; ` +
      `${remedy}, and all RAM is dirty for ${clientName(client)} afterwards`,
  );
}
