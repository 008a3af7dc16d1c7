/**
 * The owner's handle: one engine, assembled from its parts. It translates bytes of ram_addr space to page ranges,
 * refuses bad arguments before anything changes, and leaves the work to the layers below.
 *
 * Every method is called from the thread that created the engine. Those that clear bits before pages are read are
 * asynchronous: they wait a grace period. Their bad arguments reject.
 */
import type { Allocator } from './arena/allocator.js';
import { Arena, type ArenaHandle } from './arena/arena.js';
import { CLOSED, Header, Slots } from './arena/layout.js';
import type { ArenaOptions } from './arena/options.js';
import {
  CorruptionError,
  checkInteger,
  describeReaders,
  GracePeriodTimeout,
  type ReaderReport,
  UsageError,
  wrongType,
} from './base/errors.js';
import { Events } from './base/events.js';
import { warn } from './base/host.js';
import { type OptionNames, readOptions } from './base/options.js';
import { checkWaitOptions, readWaitOptions, WAIT_OPTIONS, type WaitOptions } from './base/wait.js';
import { checkKernelChoice } from './bitmap/choose-kernel.js';
import type { BlockTables } from './dirty/block-tables.js';
import { ALL_CLIENTS, CLIENT_COUNT, Client, checkClient, checkMask } from './dirty/client.js';
import type { Collector, ExclusiveUser } from './dirty/collector.js';
import { ExclusiveUse } from './dirty/exclusive-use.js';
import { checkBitmap, importBitmap } from './dirty/import.js';
import { EVERYTHING, eachBlock, type PageRange } from './dirty/page-range.js';
import { PageSet } from './dirty/page-set.js';
import type { PageSetStore } from './dirty/page-set-store.js';
import type { Queries } from './dirty/queries.js';
import { Recycler } from './dirty/recycler.js';
import { type Tracking, Trackings } from './dirty/tracking.js';
import { type Parts, shippedParts } from './parts.js';
import { CheckedRanges } from './ram/checked-ranges.js';
import type { RamBlock } from './ram/ram-block.js';
import type { RamList } from './ram/ram-list.js';
import { RateLimits } from './rate/limits.js';
import { type DirtyRate, DirtyRateMeasurement } from './rate/measurement.js';
import { type Reading, readMeters } from './rate/readings.js';
import { findLocalReader } from './rcu/local-readers.js';
import type { Rcu, StallReport } from './rcu/rcu.js';
import { isInPlace, reportReaders, retireIdentity, retireSlot } from './rcu/registry.js';
import { type ReclaimOptions, reclaim } from './reclaim.js';
import { type Stats, statsOf } from './stats.js';
import { type SupervisedWorker, supervise } from './supervision.js';

/** What an engine is created with. */
export interface DirtyMemoryOptions extends ArenaOptions {
  /** A grace period that takes longer is reported as a stall, in milliseconds. Default 1000. */
  readonly stallMs?: number;
  /**
   * The clients whose marks are kept from the beginning to the end: a mask, the sum of 1 (VGA), 2 (CODE) and 4
   * (MIGRATION). The others' are kept only while somebody has called `track`, and cost vCPUs nothing otherwise. Default: all.
   */
  readonly tracked?: number;
}

/** How much a harvest takes, where to, and how long it may wait. */
export interface HarvestOptions extends WaitOptions {
  /** A set of this engine's to add the pages to. Default: a new one. */
  readonly into?: PageSet;
  /**
   * Collect at most so many pages; the client's next harvest of this kind goes on where this one stopped. Default: all.
   */
  readonly maxPages?: number;
}

/** What a harvest found. */
export interface HarvestResult {
  /** `into`, or the new set; `dispose` of it when it is no longer needed. */
  readonly set: PageSet;
  /** How many pages were not in the set before. */
  readonly added: number;
}

/** How long to measure, for whom, and how long that may take. */
export interface DirtyRateOptions extends WaitOptions {
  /** Milliseconds to measure: an integer from 1 to 3600000, an hour. */
  readonly windowMs: number;
  /** Default: MIGRATION. */
  readonly client?: Client;
}

/** What `on` may be asked for, and what a listener is given. */
export interface DirtyMemoryEvents {
  stall: StallReport;
}

/** An engine, in the hands of its owner: the thread that created it, from which alone every method is called. */
export class DirtyMemory {
  /** What the constructor made has it: nothing forged has, nor what another copy of this module made. */
  readonly #made = true;
  /** Plugging, unplugging and looking up RAM. */
  readonly ram: RamList;
  /** Waiting for readers. */
  readonly rcu: Rcu;
  private readonly arena: Arena;
  private readonly allocator: Allocator;
  private readonly tables: BlockTables;
  private readonly collector: Collector;
  private readonly trackings: Trackings;
  private readonly queries: Queries;
  private readonly ranges: CheckedRanges;
  private readonly store: PageSetStore;
  private readonly limits: RateLimits;
  private readonly recycler: Recycler;
  private readonly releaseMemory: () => void;
  private readonly events = new Events<DirtyMemoryEvents>(['stall']);
  private readonly counts = { harvests: 0, pagesHarvested: 0, syncs: 0, snapshots: 0, testAndClears: 0 };

  /** @internal Embedders call `create`. */
  constructor(given: DirtyMemoryOptions, parts: Parts) {
    const options = readOptions('DirtyMemory.create', given, CREATE_OPTIONS);
    const { kernel: wanted = 'auto', stallMs = 1000, tracked = ALL_CLIENTS } = options;
    const choice = checkKernelChoice('DirtyMemory.create', wanted);
    checkInteger('DirtyMemory.create', 'stallMs', stallMs, 1, 2 ** 31 - 1);
    checkMask('DirtyMemory.create', tracked, 'tracked', 0);
    const { arena, maxPages, release } = Arena.create(options, tracked === ALL_CLIENTS ? 0 : 1);
    this.releaseMemory = release;
    this.arena = arena;
    try {
      const kernel = parts.kernel(arena, choice);
      this.limits = new RateLimits(arena);
      this.allocator = parts.allocator(arena, options.memory === undefined);
      this.recycler = new Recycler(this.allocator);
      const runs = { words: arena.words, first: arena.regions.runs, holder: undefined };
      this.store = { geometry: arena.geometry, allocator: this.allocator, kernel, runs };
      this.rcu = parts.rcu(arena, parts.gracePeriods(arena), stallMs, (report) => this.reportStall(report));
      this.allocator.describeHoldouts = () => this.rcu.describeHoldouts();
      this.tables = parts.tables(arena, this.allocator, kernel, tracked);
      this.ram = parts.ram(arena.geometry, maxPages, this.tables, kernel, this.rcu, this.store);
      this.ranges = new CheckedRanges(this.ram, arena.geometry.pageSize);
      const ramWithin = (range: PageRange): Iterable<PageRange> => this.ram.within(range);
      this.collector = parts.collector(arena, this.tables, this.rcu, this.store, ramWithin, parts.swapPolicy);
      this.trackings = new Trackings(this.tables, this.collector, this.rcu, ramWithin);
      this.queries = parts.queries(this.tables, this.collector, kernel, ramWithin, arena.geometry.pagesPerBlock);
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Reserves an engine; the calling thread becomes its owner. Memory is committed as it is touched.
   * @throws TypeError, RangeError for options that cannot be; NoSharedMemoryError; AddressSpaceError. Then nothing is left
   *   of the try, but that bytes of `memory` may have been written to
   */
  static create(options: DirtyMemoryOptions = {}): DirtyMemory {
    return new DirtyMemory(options, shippedParts);
  }

  /**
   * Ends an engine whose owner's thread has died, so that another one may be created in its place. Readers of it that are
   * still attached throw at their first mark after their next quiescent state, as those of a closed engine do;
   * until each has detached, or is named in a later call, `create` is refused there. The caller vouches that the threads are
   * gone: in Node by their `exit` event, never by the call of `terminate`. Any thread may call it, and again. A
   * closed engine whose `DirtyMemory` is out of reach can have its dead readers retired so, too.
   * @returns the readers that are still attached
   * @throws TypeError, RangeError when there is no engine; UsageError when it is one that the calling thread owns
   */
  static reclaim(options: ReclaimOptions): ReaderReport[] {
    return reclaim(options);
  }

  /** @internal */
  static is(value: unknown): value is DirtyMemory {
    return typeof value === 'object' && value !== null && #made in value;
  }

  /** In bytes, as it was created. */
  get pageSize(): number {
    return this.arena.geometry.pageSize;
  }

  /** For `attachVcpu` in another thread: pass it by `workerData` or `postMessage`. Of `shared: false`: on this thread. */
  get handle(): ArenaHandle {
    return this.arena.handle;
  }

  /**
   * Begins to keep a client's marks for a user: all RAM is dirty for it at the start, also where it was tracked already.
   * Resolves after a grace period, when every vCPU marks for it; collecting may begin before. Users are counted. (QEMU:
   * memory_global_dirty_log_start.)
   * @throws (rejects) RangeError, TypeError, ArenaFullError, UsageError; GracePeriodTimeout, the signal's reason: then the
   *   user is not counted any more
   */
  async track(client: Client, options: WaitOptions = {}): Promise<Tracking> {
    return this.trackings.track(checkClient('track', client), options);
  }

  /**
   * @internal Nobody but the user collects the client from now on, until it ends its use.
   * @throws UsageError while another user has the client alone; unless the engine is open
   */
  collectAlone(operation: string, client: Client, user: ExclusiveUser): ExclusiveUse {
    this.checkOpen(operation);
    const { collector, trackings, rcu, counts } = this;
    return new ExclusiveUse({ collector, trackings, rcu, counts }, operation, client, user);
  }

  /** The mask of clients that are tracked. Of the others everything is taken for dirty, and collecting them is refused. */
  get tracked(): number {
    return this.tables.tracked;
  }

  /** Marks the page at a ram_addr for one client. @returns whether it was clean. @throws RangeError, TypeError */
  setDirty(addr: number, client: Client): boolean {
    return this.mark('setDirty', addr, 1, 1 << checkClient('setDirty', client)) !== 0;
  }

  /**
   * Marks every page that the bytes touch for the clients of the mask.
   * @param mask `1 << client` for one client, and not the client: `Client.Migration` would mean CODE
   * @returns the mask of clients for which a page was clean
   */
  setDirtyRange(start: number, length: number, mask: number): number {
    return this.mark('setDirtyRange', start, length, checkMask('setDirtyRange', mask));
  }

  /**
   * Marks the pages that a little-endian bitmap names, for all clients or those of `mask`. A host page may be larger or
   * smaller than a page; one at the end may reach past its RAM block, whose pages alone are then marked.
   * @param bits bit `n` stands for the host page at `start + n * hostPageSize`
   * @param pages how many bits count
   * @param options.mask `1 << client` for one client, and not the client: `Client.Migration` would mean CODE
   * @returns how many pages it marked, dirty before or not
   */
  setDirtyBitmap(
    bits: ArrayBufferView,
    start: number,
    pages: number,
    options: { readonly hostPageSize?: number; readonly mask?: number } = {},
  ): number {
    this.checkOpen('setDirtyBitmap');
    const { pageSize, pagesPerBlock } = this.arena.geometry;
    const names = { hostPageSize: true, mask: true } as const;
    const { hostPageSize = pageSize, mask = ALL_CLIENTS } = readOptions('setDirtyBitmap', options, names);
    const bitmap = checkBitmap(bits, start, pages, hostPageSize);
    checkMask('setDirtyBitmap', mask);
    if (pages === 0) return 0;
    const end = this.ranges.endOfImport(
      bitmap.start,
      bitmap.start + bitmap.pages * bitmap.hostPageSize,
      bitmap.hostPageSize,
    );
    const range = this.ranges.toMark('setDirtyBitmap', start, end - start);
    const blockOf = (client: number, number: number): number => this.tables.intactBlockAt(client, number);
    return importBitmap(bitmap, range, mask, { pageSize, pagesPerBlock, kernel: this.store.kernel, blockOf });
  }

  /** Is any page that the bytes touch dirty? False for zero length. */
  isDirty(start: number, length: number, client: Client): boolean {
    const checked = checkClient('isDirty', client);
    return this.queries.anyDirty(this.queried('isDirty', start, length), checked);
  }

  /** Are all pages that the bytes touch dirty? True for zero length; a page in no RAM block is never dirty. */
  allDirty(start: number, length: number, client: Client): boolean {
    const checked = checkClient('allDirty', client);
    return this.queries.allDirty(this.queried('allDirty', start, length), checked);
  }

  /**
   * The clients of the mask for which some page that the bytes touch is clean.
   * @param mask `1 << client` for one client, and not the client: `Client.Migration` would mean CODE
   */
  includesClean(start: number, length: number, mask: number): number {
    const clients = checkMask('includesClean', mask);
    const range = this.queried('includesClean', start, length);
    let result = 0;
    for (let client = 0; client < CLIENT_COUNT; client++) {
      if ((clients & (1 << client)) === 0) continue;
      if (!this.queries.allDirty(range, client as Client)) result |= 1 << client;
    }
    return result;
  }

  /** Clears the pages that the bytes touch, waits a grace period if any was dirty, and says whether one was. */
  async testAndClear(start: number, length: number, client: Client, options: WaitOptions = {}): Promise<boolean> {
    const checked = checkClient('testAndClear', client);
    const range = this.queried('testAndClear', start, length);
    const count = await this.collector.collect('testAndClear', checked, () => range, options, discard);
    this.counts.testAndClears++;
    return count > 0;
  }

  /** An immutable copy of exactly the pages that the bytes touch, cleared behind it. Dispose of it after use. */
  async snapshotAndClear(start: number, length: number, client: Client, options: WaitOptions = {}): Promise<PageSet> {
    const checked = checkClient('snapshotAndClear', client);
    const range = this.queried('snapshotAndClear', start, length);
    const set = await this.collector.collect('snapshotAndClear', checked, () => range, options, keep);
    this.counts.snapshots++;
    return set;
  }

  /**
   * Moves a RAM block's MIGRATION bits to `block.pages`. Takes the bits that `harvest(Client.Migration)` would take.
   * @returns how many pages are newly dirty there; 0 when the block was unplugged meanwhile
   */
  async syncBitmap(block: RamBlock, options: WaitOptions = {}): Promise<number> {
    this.checkOpen('syncBitmap');
    this.ranges.ofPlugged('syncBitmap', block);
    const range = (): PageRange => (this.ram.has(block) ? block.range : NOTHING);
    const added = await this.collector.collect('syncBitmap', 2, range, options, (taken) => this.moveTo(block, taken));
    this.counts.syncs++;
    return added;
  }

  /** Collects everything that is dirty for the client. When it resolves the pages are safe to read. */
  async harvest(client: Client, options: HarvestOptions = {}): Promise<HarvestResult> {
    const checked = checkClient('harvest', client);
    this.checkOpen('harvest');
    const { into: given, maxPages, ...waits } = readOptions('harvest', options, HARVEST_OPTIONS);
    const wait = checkWaitOptions('harvest', waits);
    const into = this.checkInto('harvest', given);
    if (maxPages !== undefined) checkInteger('harvest', 'maxPages', maxPages, 1, 2 ** 32);
    const result = await this.collector.collect(
      'harvest',
      checked,
      () => EVERYTHING,
      wait,
      (taken) => deliver(taken, into),
      maxPages,
    );
    return this.harvested(result);
  }

  /**
   * The `...Unsynchronized` forms do not wait. They are right only while every reader is stopped at a quiescent state
   * or offline, by a handshake that happens-before the call, and resumes after it: by `quiescent`, by `goOnline`, or by
   * an atomic load that sees what the owner stored after the call. What was plugged in place of other RAM is to be collected
   * so only when that one's `unplug` has resolved.
   * @throws UsageError while an asynchronous collection of the client is under way, or a `track` with which its tracking begins
   */
  testAndClearUnsynchronized(start: number, length: number, client: Client): boolean {
    const checked = checkClient('testAndClearUnsynchronized', client);
    const range = this.queried('testAndClearUnsynchronized', start, length);
    const count = this.collector.collectUnsynchronized('testAndClearUnsynchronized', checked, range, discard);
    this.counts.testAndClears++;
    return count > 0;
  }

  /** `snapshotAndClear` with the readers stopped. @throws as `testAndClearUnsynchronized` */
  snapshotAndClearUnsynchronized(start: number, length: number, client: Client): PageSet {
    const checked = checkClient('snapshotAndClearUnsynchronized', client);
    const range = this.queried('snapshotAndClearUnsynchronized', start, length);
    const set = this.collector.collectUnsynchronized('snapshotAndClearUnsynchronized', checked, range, keep);
    this.counts.snapshots++;
    return set;
  }

  /** `syncBitmap` with the readers stopped. @throws as `testAndClearUnsynchronized` */
  syncBitmapUnsynchronized(block: RamBlock): number {
    const operation = 'syncBitmapUnsynchronized';
    this.checkOpen(operation);
    const range = this.ranges.ofPlugged(operation, block);
    const added = this.collector.collectUnsynchronized(operation, 2, range, (taken) => this.moveTo(block, taken));
    this.counts.syncs++;
    return added;
  }

  /** `harvest` with the readers stopped. @throws as `testAndClearUnsynchronized` */
  harvestUnsynchronized(client: Client, options: { readonly into?: PageSet } = {}): HarvestResult {
    const operation = 'harvestUnsynchronized';
    const checked = checkClient(operation, client);
    this.checkOpen(operation);
    const into = this.checkInto(operation, readOptions(operation, options, { into: true }).into);
    const collected = this.collector.collectUnsynchronized(operation, checked, EVERYTHING, (taken) =>
      deliver(taken, into),
    );
    return this.harvested(collected);
  }

  /**
   * How fast RAM is dirtied, by RAM block and by reader (QEMU: calc-dirty-rate). For `windowMs` the client's bits are
   * taken away, what turns dirty is counted, and they are put back: collections and the owner's queries find what they
   * would have found, and wait for nothing. A collection divides the time into two windows, in each of which a page may
   * count, and the time that it takes is not measured. To vCPUs a window is as a harvest: pages turn dirty once more. A
   * client that is not tracked is tracked meanwhile. Readers count for MIGRATION, and are asked: such a measurement waits for
   * a grace period before its first window, and for one after its last.
   * @throws (rejects) as the wait options have it; ArenaFullError; UsageError, also when the engine is closed meanwhile.
   *   The bits are where they were then
   */
  async measureDirtyRate(options: DirtyRateOptions): Promise<DirtyRate> {
    const operation = 'measureDirtyRate';
    const { windowMs, client = Client.Migration, ...waits } = readOptions(operation, options, DIRTY_RATE_OPTIONS);
    const wait = checkWaitOptions(operation, waits);
    checkInteger(operation, 'windowMs', windowMs, 1, 3_600_000);
    const checked = checkClient(operation, client);
    this.checkOpen(operation);
    const { arena, tables, rcu, collector, trackings, store, ram } = this;
    const engine = { arena, tables, kernel: store.kernel, rcu, collector, trackings, ram: () => ram };
    return new DirtyRateMeasurement(engine, checked, windowMs, wait).run();
  }

  /**
   * Limits how many pages vCPUs may turn dirty for MIGRATION in a second (QEMU: set-vcpu-dirty-limit). A thread that is
   * ahead sleeps in `quiescent`, offline; a limit that is changed or lifted wakes it. Threads that cannot be made to
   * sleep, of the owner's own and of those that must not block, are not limited.
   * @param pagesPerSecond for each reader, an integer from 1 to 2^31 - 1; undefined for no limit
   * @param options.identity of one thread's readers that are attached now. Default: of all, and of those to come; it
   *   takes the place of what was set for single threads
   * @returns of how many attached readers
   * @throws TypeError, RangeError; UsageError unless the engine is open
   */
  limitDirtyRate(pagesPerSecond: number | undefined, options: { readonly identity?: number } = {}): number {
    const operation = 'limitDirtyRate';
    if (pagesPerSecond !== undefined) checkInteger(operation, 'pagesPerSecond', pagesPerSecond, 1, 2 ** 31 - 1);
    const { identity } = readOptions(operation, options, { identity: true });
    if (identity !== undefined) checkInteger(operation, 'identity', identity, 0, 2 ** 31 - 2);
    this.checkOpen(operation);
    const readers = this.limits.set(pagesPerSecond ?? 0, identity);
    this.rcu.startPoll(); // so that each vCPU reports, and sees it
    return readers;
  }

  /** @internal What the attached readers have counted, each as of its last report. */
  readMeters(): Reading[] {
    return readMeters(this.arena);
  }

  /** An empty set, for `harvest` to add to. */
  createPageSet(): PageSet {
    this.checkOpen('createPageSet');
    return new PageSet(this.store, 'page set');
  }

  /**
   * Retires the worker's readers when its thread has ended, however it ends, so that no grace period waits for them. A
   * vCPU that was killed between a store and its mark leaves that store unmarked unless it marks first. Also after the
   * engine was closed, for as long as anybody holds its memory; the worker holds neither engine nor memory.
   * @throws TypeError when it is no Worker, or has ended already; UsageError in Deno, whose `exit` event may come before the
   *   thread's end: `retire` is for that
   */
  supervise(worker: SupervisedWorker): void {
    supervise(worker, this.arena, this.rcu);
  }

  /**
   * Retires the readers of a thread that is known to be gone, where no event says so (browsers, workers of workers).
   * Also while the engine closes, which waits for them, and afterwards: their slots must be free before another engine
   * may be created in the same memory.
   * @param reader the `identity` of its readers; in Node the thread's id, unless `attachVcpu` was given another. When
   *   something has written over a reader's identity in the arena, as stalls and timeouts then say: its slot
   * @returns how many readers it had
   * @throws TypeError, RangeError; UsageError for a reader of the calling thread, and for a slot whose tenant's identity is
   *   known; CorruptionError when the arena does not say any more that it is this engine's
   */
  retire(reader: number | { readonly slot: number }): number {
    const { identity, position } = this.checkRetired(reader);
    this.rcu.lifecycle.checkMemory('retire');
    const local = findLocalReader(
      this.arena,
      (own) => own.identity === identity || own.slot === Slots.first + (position ?? -1) * Slots.size,
    );
    if (local !== undefined) throw new UsageError(`retire: reader '${local.name}' is of the calling thread itself`);
    if (this.rcu.lifecycle.state !== 'closed' && !isInPlace(this.arena)) {
      throw new CorruptionError(
        "retire: the engine's id in the arena was written over, or another engine lives there: this one is lost",
      );
    }
    const retired = position === undefined ? retireIdentity(this.arena, identity) : retireSlot(this.arena, position);
    this.rcu.step();
    return retired;
  }

  /** 'stall': a grace period has taken longer than `stallMs`; the report names who holds it up. */
  on<Name extends keyof DirtyMemoryEvents>(event: Name, listener: (report: DirtyMemoryEvents[Name]) => void): void {
    this.events.on(event, listener);
  }

  /** Ends what `on` began; a listener that is not there is no error. */
  off<Name extends keyof DirtyMemoryEvents>(event: Name, listener: (report: DirtyMemoryEvents[Name]) => void): void {
    this.events.off(event, listener);
  }

  /** The counters of this moment. Costs a look at every reader slot. */
  stats(): Stats {
    this.rcu.lifecycle.checkMemory('stats');
    return statsOf({
      kernel: this.store.kernel,
      ram: this.ram,
      tables: this.tables,
      rcu: this.rcu,
      allocator: this.allocator,
      readers: isInPlace(this.arena) ? reportReaders(this.arena) : [],
      collections: this.counts,
    });
  }

  /**
   * Ends the engine, after all that is under way: collections, unpluggings, callbacks. Readers that are still attached
   * throw at their first mark after their next quiescent state. A second call is the first one's.
   * @throws (rejects) GracePeriodTimeout, the signal's reason; UsageError inside a read-side section, for callbacks of `callRcu`
   *   that hand over others without end, and for one that was refused something because the engine closes; then the engine is
   *   open as before
   */
  async close(options: WaitOptions = {}): Promise<void> {
    const { lifecycle } = this.rcu;
    const wait = readWaitOptions('close', options);
    if (lifecycle.state !== 'open') return this.closing;
    this.rcu.checkMayWait('close');
    lifecycle.state = 'closing';
    this.closing = this.closeAfter(wait);
    return this.closing;
  }

  private closing: Promise<void> = Promise.resolve();

  private async closeAfter(options: WaitOptions): Promise<void> {
    const { lifecycle } = this.rcu;
    const timeoutError = (ms: number): Error => new GracePeriodTimeout('close', ms, this.rcu.holdouts());
    const limit = { options, since: performance.now(), timeoutError };
    try {
      options.signal?.throwIfAborted();
      // What is under way; nothing new begins while the engine is closing.
      await this.collector.settle(limit);
      await this.ram.settle(limit);
      await this.rcu.drain(limit);
    } catch (error) {
      lifecycle.state = 'open';
      throw error;
    }
    lifecycle.state = 'closed';
    // ORDER GP-1: Closed before the number, so that a reader that reports reloads its roots and finds them closed.
    // pairs with: dirty/vcpu.ts loadRoots
    this.arena.words.store(Header.Closed, CLOSED);
    this.limits.set(0); // wakes those that sleep
    this.tables.close();
    this.rcu.close();
    this.allocator.closed = true;
    this.recycler.close();
    this.releaseMemory();
  }

  private checkOpen(operation: string): void {
    this.rcu.lifecycle.check(operation);
  }

  /** @returns what it goes by: an identity, or a position in the reader registry */
  private checkRetired(reader: number | { readonly slot: number }) {
    if (typeof reader !== 'object' || reader === null) {
      return { position: undefined, identity: checkInteger('retire', 'identity', reader, 0, 2 ** 31 - 2) };
    }
    const { slot } = reader;
    if (slot === undefined) throw wrongType('retire', 'identity', reader, 'a number, or an object with a slot');
    const most = this.arena.geometry.maxReaders - 1;
    return { position: checkInteger('retire', 'slot', slot, 0, most), identity: undefined };
  }

  private mark(operation: string, start: number, length: number, mask: number): number {
    this.checkOpen(operation);
    const range = this.ranges.toMark(operation, start, length);
    let turned = 0;
    eachBlock(range, this.arena.geometry.pagesPerBlock, (number, from, to) => {
      for (let client = 0; client < CLIENT_COUNT; client++) {
        if ((mask & (1 << client)) === 0) continue;
        if (this.store.kernel.setLive(this.tables.intactBlockAt(client, number), from, to) > 0) turned |= 1 << client;
      }
    });
    return turned;
  }

  private queried(operation: string, start: number, length: number): PageRange {
    this.checkOpen(operation);
    return this.ranges.toQuery(operation, start, length);
  }

  /** The end of a sync. */
  private moveTo(block: RamBlock, taken: PageSet): number {
    if (!block.pages.disposed) return block.pages.absorb(taken);
    // Thrown, it puts the bits back.
    if (this.ram.has(block)) throw new UsageError(`syncBitmap: the page set of '${block.id}' was disposed of`);
    taken.dispose();
    return 0;
  }

  private checkInto(operation: string, into: PageSet | undefined): PageSet | undefined {
    if (into === undefined) return undefined;
    if (!PageSet.is(into) || !into.belongsTo(this.store)) {
      throw wrongType(operation, 'into', into, 'a PageSet of this engine');
    }
    if (into.disposed) throw new UsageError(`${operation}: into was disposed of`);
    return into;
  }

  private harvested(result: HarvestResult): HarvestResult {
    this.counts.harvests++;
    this.counts.pagesHarvested += result.added;
    return result;
  }

  private reportStall(report: StallReport): void {
    if (this.events.emit('stall', report)) return;
    warn(
      `a grace period has not ended for ${report.gracePeriodMs.toFixed(0)} ms; waiting for ${describeReaders(report.readers)}`,
    );
  }
}

const CREATE_OPTIONS: OptionNames<DirtyMemoryOptions> = {
  ...{ pageSize: true, pagesPerBlock: true, maxRamBytes: true, maxReaders: true, debug: true, kernel: true },
  ...{ arenaBytes: true, shared: true, memory: true, byteOffset: true, stallMs: true, tracked: true },
};
const HARVEST_OPTIONS: OptionNames<HarvestOptions> = { into: true, maxPages: true, ...WAIT_OPTIONS };
const DIRTY_RATE_OPTIONS: OptionNames<DirtyRateOptions> = { windowMs: true, client: true, ...WAIT_OPTIONS };

const NOTHING: PageRange = { first: 0, end: 0 };

function keep(taken: PageSet): PageSet {
  return taken;
}

function discard(taken: PageSet): number {
  const { pages } = taken;
  taken.dispose();
  return pages;
}

function deliver(taken: PageSet, into: PageSet | undefined): HarvestResult {
  if (into === undefined) return { set: taken, added: taken.pages };
  if (into.disposed) throw new UsageError('harvest: into was disposed of while the harvest waited');
  return { set: into, added: into.absorb(taken) };
}
