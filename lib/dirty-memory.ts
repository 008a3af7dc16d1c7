/**
 * The owner's handle. It translates bytes of ram_addr space to page ranges, refuses bad arguments before anything
 * changes, and leaves the work to an engine.
 *
 * Only the thread that created the engine may call the methods. Methods that clear bits before pages are read are
 * asynchronous, because they wait a grace period; with bad arguments they reject.
 */
import type { ArenaHandle } from './arena/arena.js';
import { Slots } from './arena/layout.js';
import type { ArenaOptions } from './arena/options.js';
import {
  CorruptionError,
  checkInteger,
  type ReaderReport,
  UNKNOWN_IDENTITY,
  UsageError,
  wrongType,
} from './base/errors.js';
import { INSPECT, type Inspect, inspection } from './base/inspection.js';
import { type OptionNames, readOptions } from './base/options.js';
import { sendMemoryHandleInsteadOfTheDirtyMemory } from './base/stays-here.js';
import { checkWaitOptions, readWaitOptions, WAIT_OPTIONS, type WaitOptions } from './base/wait.js';
import { checkKernelChoice } from './bitmap/choose-kernel.js';
import {
  ALL_CLIENTS,
  type Client,
  checkClient,
  checkMask,
  clientsFor,
  MIGRATION,
  maskName,
  rootOf,
} from './dirty/client.js';
import type { ClientBitmap } from './dirty/client-bitmap.js';
import { checkBitmap } from './dirty/import.js';
import { PageSet } from './dirty/page-set.js';
import { type DirtyMemoryEvents, Engine, type EngineSetup } from './engine.js';
import { type Parts, shippedParts } from './parts.js';
import { CheckedRanges } from './ram/checked-ranges.js';
import type { RamBlock } from './ram/ram-block.js';
import type { RamList } from './ram/ram-list.js';
import { type DirtyRate, DirtyRateMeasurement } from './rate/measurement.js';
import { findLocalReader } from './rcu/local-readers.js';
import type { Rcu } from './rcu/rcu.js';
import { isInPlace, reportReaders, retireIdentity, retireSlot } from './rcu/registry.js';
import { type ReclaimOptions, reclaim } from './reclaim.js';
import { type Stats, statsOf } from './stats.js';
import { type SupervisedWorker, supervise } from './supervision.js';
import { type HarvestOptions, type HarvestResult, Tracking, type TrackingWhileStopped } from './tracking.js';

/** The options of `DirtyMemory.create`. */
export interface DirtyMemoryOptions extends ArenaOptions {
  /** A grace period that takes longer than this, in milliseconds, is reported as a stall. Default 1000. */
  readonly stallMs?: number;
  /**
   * The clients that are tracked from the beginning to the end: a mask, the sum of 1 (VGA), 2 (CODE) and 4 (MIGRATION).
   * Any other client is tracked only between `track` and `stop`; at other times it costs vCPUs nothing. Default: all.
   */
  readonly tracked?: number;
}

/** The name of a user of a client, and how long `track` may wait for vCPUs. */
export interface TrackOptions extends WaitOptions {
  /** The user's name in messages. Default: 'a user'. */
  readonly name?: string;
}

/** How long to measure, for which client, and how long to wait for vCPUs. */
export interface DirtyRateOptions extends WaitOptions {
  /** Milliseconds to measure: an integer from 1 to 3600000, an hour. */
  readonly windowMs: number;
  /** Default: MIGRATION. */
  readonly client?: Client;
}

let handleOf: (engine: Engine) => DirtyMemory;
let isHandle: (value: object) => value is DirtyMemory;
/** @internal The engine behind a handle, for code that needs more than the handle offers. */
export let engineOf: (memory: DirtyMemory) => Engine;

/** The owner's handle of an engine. The thread that created the engine is its owner; only it may call the methods. */
export class DirtyMemory {
  /** @internal */
  readonly staysHere = sendMemoryHandleInsteadOfTheDirtyMemory;
  /** Plugs, unplugs and looks up RAM. */
  readonly ram: RamList;
  /** Waits for readers. */
  readonly rcu: Rcu;
  /** Only objects that this constructor made have this field. Forged ones and those of another module copy lack it. */
  readonly #engine: Engine;
  /**
   * Collections of the engine's own users that do not wait. They may run only while all readers of other threads are
   * offline and stay offline until the owner lets them go on. While another collection is in flight they copy its
   * pages.
   */
  readonly whileStopped: DirtyMemoryWhileStopped;
  private readonly ranges: CheckedRanges;
  /** The engine's own users, in the order of `CLIENTS`. */
  private readonly own: readonly Tracking[];

  private constructor(engine: Engine) {
    if (!(engine instanceof Engine)) throw new UsageError('new DirtyMemory: call DirtyMemory.create(options) instead');
    this.#engine = engine;
    this.ram = engine.ram;
    this.rcu = engine.rcu;
    this.ranges = new CheckedRanges(engine.ram, engine.arena.geometry.pageSize);
    this.own = engine.tables.clients.map((bitmap) => {
      const user = engine.ownUserOf(bitmap.client);
      return new Tracking({ engine, ranges: this.ranges, bitmap, user });
    });
    const own = (operation: string, client: unknown): Tracking => this.ownOf(`whileStopped.${operation}`, client);
    this.whileStopped = new DirtyMemoryWhileStopped((operation, client) => own(operation, client).whileStopped);
  }

  static {
    handleOf = (engine) => new DirtyMemory(engine);
    isHandle = (value): value is DirtyMemory => #engine in value;
    engineOf = (memory) => memory.#engine;
  }

  /**
   * Creates an engine; the calling thread becomes its owner. Its memory is reserved now, and committed when it is
   * touched.
   * @throws TypeError, RangeError for bad options; NoSharedMemoryError; AddressSpaceError. A failed call leaves nothing
   *   behind, except that bytes of `memory` may have been overwritten
   */
  static create(options: DirtyMemoryOptions = {}): DirtyMemory {
    return openEngine(options).memory;
  }

  /**
   * Ends an engine whose owner's thread has died, so that another engine may be created in its place. Readers that are
   * still attached throw at their first mark after their next quiescent state, as readers of a closed engine do.
   * `create` is refused there until each of these readers has detached or a later call has named it in `gone`. The
   * caller must know that the threads are gone: in Node by their `exit` event, never by the call of `terminate`. Any
   * thread may call `reclaim`, and may call it again. It also retires dead readers of a closed engine whose
   * `DirtyMemory` is out of reach.
   * @returns the readers that are still attached
   * @throws TypeError, RangeError when there is no engine; UsageError when the calling thread owns the engine
   */
  static reclaim(options: ReclaimOptions): ReaderReport[] {
    return reclaim(options);
  }

  /** The page size in bytes. */
  get pageSize(): number {
    return this.#engine.arena.geometry.pageSize;
  }

  /**
   * What `attachVcpu` needs; pass it to other threads by `workerData` or `postMessage`. The handle of an engine with
   * `shared: false` works only on this thread.
   */
  get handle(): ArenaHandle {
    return this.#engine.arena.handle;
  }

  /**
   * Begins to track a client for a new user (QEMU: memory_global_dirty_log_start). At first all RAM is dirty for the
   * user; other users notice nothing. Resolves after a grace period, when every vCPU marks for the client.
   * @param options.name the user's name in messages. Default: 'a user'
   * @throws (rejects) RangeError, TypeError, ArenaFullError, UsageError, GracePeriodTimeout, or the signal's reason;
   *   then no user has been added
   */
  async track(client: Client, options: TrackOptions = {}): Promise<Tracking> {
    const bitmap = this.client('track', client);
    const { name = 'a user', ...waits } = readOptions('track', options, TRACK_OPTIONS);
    if (typeof name !== 'string') throw wrongType('track', 'name', name, 'a string');
    const wait = checkWaitOptions('track', waits);
    const engine = this.#engine;
    const user = await engine.users.track(bitmap, name, wait);
    return new Tracking({ engine, ranges: this.ranges, bitmap, user });
  }

  /** The mask of tracked clients. For any other client all RAM counts as dirty, and collecting it is refused. */
  get tracked(): number {
    return this.#engine.tables.tracked;
  }

  /**
   * Marks the page at a ram_addr for one client.
   * @returns true when the page was clean.
   * @throws RangeError, TypeError
   */
  setDirty(addr: number, client: Client): boolean {
    return this.mark('setDirty', addr, 1, checkClient('setDirty', client)) !== 0;
  }

  /**
   * Marks every page that the bytes touch for the clients of the mask.
   * @param mask one client, or the sum of several
   * @returns the mask of clients for which a page was clean
   */
  setDirtyRange(start: number, length: number, mask: number): number {
    return this.mark('setDirtyRange', start, length, checkMask('setDirtyRange', mask));
  }

  /**
   * Marks the pages whose bits are set in a little-endian bitmap, for all clients or those of `mask`. A host page may
   * be larger or smaller than a page. When the last host page reaches past its RAM block, only the block's pages are
   * marked.
   * @param bits bit `n` stands for the host page at `start + n * hostPageSize`
   * @param pages how many bits of `bits` to use
   * @param options.hostPageSize bytes that a bit stands for, a power of two. Default: the page size
   * @param options.mask one client, or the sum of several
   * @returns how many pages were marked, including pages that were dirty before
   */
  setDirtyBitmap(
    bits: ArrayBufferView,
    start: number,
    pages: number,
    options: { readonly hostPageSize?: number; readonly mask?: number } = {},
  ): number {
    this.checkOpen('setDirtyBitmap');
    const { pageSize } = this;
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
    return this.#engine.marks.import(bitmap, range, mask);
  }

  /**
   * Is any page that the bytes touch dirty for the engine's own user of the client? False for zero length. That user
   * never collects a client that is not in `create({ tracked })`, so for such a client all RAM is dirty.
   */
  isDirty(start: number, length: number, client: Client): boolean {
    return this.ownOf('isDirty', client).isDirty(start, length);
  }

  /**
   * Are all pages that the bytes touch dirty for the engine's own user of the client? True for zero length. A page
   * outside all RAM blocks is never dirty.
   */
  allDirty(start: number, length: number, client: Client): boolean {
    return this.ownOf('allDirty', client).allDirty(start, length);
  }

  /**
   * Is any page that the bytes touch clean for the engine's own users of the clients?
   * @param mask one client, or the sum of several
   * @returns the clients of the mask for which some page is clean
   */
  includesClean(start: number, length: number, mask: number): number {
    const operation = 'includesClean';
    const clients = checkMask(operation, mask);
    this.checkOpen(operation);
    this.ranges.toQuery(operation, start, length);
    return clientsFor(clients, (client) => !this.ownOf(operation, client).allDirty(start, length));
  }

  /** The pages that are dirty now for the engine's own user; they stay dirty. Dispose of the set after use. */
  dirty(client: Client): PageSet {
    return this.ownOf('dirty', client).dirty();
  }

  /** `Tracking.testAndClear` of the engine's own user of the client. */
  testAndClear(start: number, length: number, client: Client, options: WaitOptions = {}): Promise<boolean> {
    return this.collectBy('testAndClear', client, (own) => own.testAndClear(start, length, options));
  }

  /** `Tracking.snapshotAndClear` of the engine's own user of the client. */
  snapshotAndClear(start: number, length: number, client: Client, options: WaitOptions = {}): Promise<PageSet> {
    return this.collectBy('snapshotAndClear', client, (own) => own.snapshotAndClear(start, length, options));
  }

  /**
   * `Tracking.harvest` of the engine's own user of the client: collects every dirty page. When the promise resolves,
   * the pages are safe to read.
   */
  harvest(client: Client, options: HarvestOptions = {}): Promise<HarvestResult> {
    return this.collectBy('harvest', client, (own) => own.harvest(options));
  }

  /**
   * Moves the pages of a RAM block that are dirty for the engine's own user of MIGRATION to `block.pages`.
   * @returns how many of them were not in `block.pages` before; 0 when the block was unplugged meanwhile
   */
  async syncBitmap(block: RamBlock, options: WaitOptions = {}): Promise<number> {
    return this.ownOf('syncBitmap', MIGRATION).syncBitmap(block, options);
  }

  /**
   * Measures how fast RAM is dirtied, by RAM block and by reader (QEMU: calc-dirty-rate). The measurement takes the
   * client's bits away for `windowMs`, counts the pages that turn dirty meanwhile, and puts the bits back. Collections
   * and the owner's queries find the same pages as without it, and do not wait for it. A collection splits the time
   * into two windows: a page may count once in each, and the time that the collection takes is not measured. For vCPUs
   * a window is like a harvest: pages turn dirty once more. An untracked client is tracked during the measurement.
   * Readers keep counts of their own for MIGRATION only: to get them, a measurement of MIGRATION waits for a grace
   * period before its first window and for another one after its last.
   * @throws (rejects) GracePeriodTimeout or the signal's reason; ArenaFullError; UsageError, also when the engine is
   *   closed meanwhile. The bits are back in place then
   */
  async measureDirtyRate(options: DirtyRateOptions): Promise<DirtyRate> {
    const operation = 'measureDirtyRate';
    const { windowMs, client = MIGRATION, ...waits } = readOptions(operation, options, DIRTY_RATE_OPTIONS);
    const wait = checkWaitOptions(operation, waits);
    checkInteger(operation, 'windowMs', windowMs, 1, 3_600_000);
    const bitmap = this.client(operation, client);
    this.checkOpen(operation);
    return new DirtyRateMeasurement(this.#engine, bitmap, windowMs, wait).run();
  }

  /**
   * Limits how many pages each vCPU may turn dirty for MIGRATION in a second (QEMU: set-vcpu-dirty-limit). A thread
   * that is ahead of its limit sleeps in `quiescent`, offline, until it may go on or its limit is changed or lifted.
   * Readers on the owner's thread and on threads that must not block cannot sleep, so they are not limited.
   * @param pagesPerSecond the limit of each reader, an integer from 1 to 2^31 - 1; undefined for no limit
   * @param options.identity limits only the readers of this thread that are attached now. Default: limits all readers,
   *   also those that attach later, and replaces limits that were set for single threads
   * @returns how many attached readers the limit applies to
   * @throws TypeError, RangeError; UsageError unless the engine is open
   */
  limitDirtyRate(pagesPerSecond: number | undefined, options: { readonly identity?: number } = {}): number {
    const operation = 'limitDirtyRate';
    if (pagesPerSecond !== undefined) {
      checkInteger(operation, 'pagesPerSecond (undefined lifts the limit)', pagesPerSecond, 1, 2 ** 31 - 1);
    }
    const { identity } = readOptions(operation, options, { identity: true });
    if (identity !== undefined) checkInteger(operation, 'identity', identity, 0, 2 ** 31 - 2);
    this.checkOpen(operation);
    const readers = this.#engine.limits.set(pagesPerSecond ?? 0, identity);
    this.rcu.startPoll(); // so that each vCPU reports, and sees the new limit
    return readers;
  }

  /** An empty set, for `harvest` to add to. */
  createPageSet(): PageSet {
    this.checkOpen('createPageSet');
    return new PageSet(this.#engine.store, 'page set');
  }

  /**
   * Retires the worker's readers when its thread has ended, for whatever reason, so that no grace period waits for
   * them. A vCPU killed between a store and its mark leaves that store unmarked, unless it marks before it stores.
   * Supervision goes on after the engine was closed, for as long as anybody holds its memory. The worker keeps neither
   * the engine nor its memory alive.
   * @throws TypeError when `worker` is not a Worker, or has ended already; UsageError in Deno, where the `exit` event
   *   may come before the thread's end: use `retire` there
   */
  supervise(worker: SupervisedWorker): void {
    supervise(worker, this.#engine.arena, this.rcu);
  }

  /**
   * Retires the readers of a thread that is known to be gone, where no event tells of its end (browsers, workers of
   * workers). May be called while the engine closes, since `close` waits for these readers, and after the close: their
   * slots must be free before another engine may be created in the same memory.
   * @param reader the `identity` of the thread's readers: in Node the thread's id, unless `attachVcpu` was given
   *   another. `{ slot }` is for a reader whose identity was overwritten in the arena; stalls and timeouts then name
   *   the slot
   * @returns how many readers were retired
   * @throws TypeError, RangeError; UsageError for a reader of the calling thread, and for a slot whose reader has an
   *   intact identity; CorruptionError when the memory no longer says that it belongs to this engine
   */
  retire(reader: number | { readonly slot: number }): number {
    const { identity, position } = this.checkRetired(reader);
    const { arena } = this.#engine;
    this.rcu.lifecycle.checkMemory('retire');
    const local = findLocalReader(
      arena,
      (own) => own.identity === identity || own.slot === Slots.first + (position ?? -1) * Slots.size,
    );
    if (local !== undefined) throw new UsageError(`retire: reader '${local.name}' is of the calling thread itself`);
    if (this.rcu.lifecycle.state !== 'closed' && !isInPlace(arena)) {
      throw new CorruptionError(
        "retire: the engine's id in the arena was written over, or another engine lives there: this engine is lost; go on with a new one",
      );
    }
    const retired = position === undefined ? retireIdentity(arena, identity) : retireSlot(arena, position);
    this.rcu.afterRetiring(identity ?? UNKNOWN_IDENTITY, retired);
    return retired;
  }

  /**
   * Adds a listener. 'stall': a grace period has taken longer than `stallMs`; the report names the readers that delay
   * it.
   */
  on<Name extends keyof DirtyMemoryEvents>(event: Name, listener: (report: DirtyMemoryEvents[Name]) => void): void {
    this.#engine.events.on(event, listener);
  }

  /** Removes a listener that `on` added. Does nothing when there is no such listener. */
  off<Name extends keyof DirtyMemoryEvents>(event: Name, listener: (report: DirtyMemoryEvents[Name]) => void): void {
    this.#engine.events.off(event, listener);
  }

  /** The current values of all counters. A call reads every reader slot. */
  stats(): Stats {
    this.rcu.lifecycle.checkMemory('stats');
    const { arena } = this.#engine;
    return statsOf(this.#engine, isInPlace(arena) ? reportReaders(arena) : []);
  }

  /**
   * Ends the engine, after everything under way has ended: collections, unplugs, callbacks. Readers that are still
   * attached throw at their first mark after their next quiescent state. A second call returns the promise of the
   * first.
   * @throws (rejects) GracePeriodTimeout or the signal's reason. UsageError inside a read-side section, when callbacks
   *   of `callRcu` keep queueing new callbacks without end, and when a callback called a method that a closing engine
   *   refuses. After a rejection the engine is open as before
   */
  async close(options: WaitOptions = {}): Promise<void> {
    return this.#engine.close(readWaitOptions('close', options));
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    const { pageSize, tracked, ram } = this;
    const blocks = [...ram].map(({ id }) => id);
    const facts = { state: this.rcu.lifecycle.state, pageSize, tracked: maskName(tracked), blocks, bytes: ram.bytes };
    return inspection('DirtyMemory', facts, options, inspect);
  }

  private checkOpen(operation: string): void {
    this.rcu.lifecycle.check(operation);
  }

  /** @returns the checked argument of `retire`: either an identity, or a position in the reader registry */
  private checkRetired(reader: number | { readonly slot: number }) {
    if (typeof reader !== 'object' || reader === null) {
      return { position: undefined, identity: checkInteger('retire', 'identity', reader, 0, 2 ** 31 - 2) };
    }
    const { slot } = reader;
    if (slot === undefined) throw wrongType('retire', 'identity', reader, 'a number, or an object with a slot');
    const most = this.#engine.arena.geometry.maxReaders - 1;
    return { position: checkInteger('retire', 'slot', slot, 0, most), identity: undefined };
  }

  private client(operation: string, client: unknown): ClientBitmap {
    return this.#engine.bitmapOf(checkClient(operation, client));
  }

  private mark(operation: string, start: number, length: number, mask: number): number {
    this.checkOpen(operation);
    return this.#engine.marks.set(this.ranges.toMark(operation, start, length), mask);
  }

  /** Has no `await`: a clean harvest takes a microsecond, and an `await` a good part of one. */
  private collectBy<T>(operation: string, client: unknown, collect: (own: Tracking) => Promise<T>): Promise<T> {
    try {
      return collect(this.ownOf(operation, client));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private ownOf(operation: string, client: unknown): Tracking {
    return this.own[rootOf(checkClient(operation, client))] as Tracking;
  }
}

/** Collections of the engine's own users, for when all readers of other threads are offline. */
export class DirtyMemoryWhileStopped {
  private readonly of: (operation: string, client: unknown) => TrackingWhileStopped;

  /** @internal */
  constructor(of: (operation: string, client: unknown) => TrackingWhileStopped) {
    this.of = of;
  }

  /** As `DirtyMemory.harvest`. @throws UsageError that names the readers that are online */
  harvest(client: Client, options: { readonly into?: PageSet } = {}): HarvestResult {
    return this.of('harvest', client).harvest(options);
  }

  /** As `DirtyMemory.snapshotAndClear`. @throws as `harvest` */
  snapshotAndClear(start: number, length: number, client: Client): PageSet {
    return this.of('snapshotAndClear', client).snapshotAndClear(start, length);
  }

  /** As `DirtyMemory.testAndClear`. @throws as `harvest` */
  testAndClear(start: number, length: number, client: Client): boolean {
    return this.of('testAndClear', client).testAndClear(start, length);
  }

  /** As `DirtyMemory.syncBitmap`. @throws as `harvest` */
  syncBitmap(block: RamBlock): number {
    return this.of('syncBitmap', MIGRATION).syncBitmap(block);
  }
}

/** @internal Is the value an object that `create` has returned? */
export function isDirtyMemory(value: unknown): value is DirtyMemory {
  return typeof value === 'object' && value !== null && isHandle(value);
}

/**
 * @internal Creates an engine and its owner's handle, for the torture, specs and benchmarks.
 * @param parts the parts that replace shipped ones
 * @throws as `DirtyMemory.create`
 */
export function openEngine(
  options: DirtyMemoryOptions = {},
  parts: Partial<Parts> = {},
): { readonly engine: Engine; readonly memory: DirtyMemory } {
  const engine = new Engine(checkCreate(options), { ...shippedParts, ...parts });
  return { engine, memory: handleOf(engine) };
}

function checkCreate(given: DirtyMemoryOptions): EngineSetup {
  const operation = 'DirtyMemory.create';
  const options = readOptions(operation, given, CREATE_OPTIONS);
  const { kernel = 'auto', stallMs = 1000, tracked = ALL_CLIENTS } = options;
  checkKernelChoice(operation, kernel);
  checkInteger(operation, 'stallMs', stallMs, 1, 2 ** 31 - 1);
  checkMask(operation, tracked, 'tracked', 0);
  return { ...options, kernel, stallMs, tracked };
}

const CREATE_OPTIONS: OptionNames<DirtyMemoryOptions> = {
  ...{ pageSize: true, pagesPerBlock: true, maxRamBytes: true, maxReaders: true, debug: true, kernel: true },
  ...{ arenaBytes: true, shared: true, memory: true, byteOffset: true, stallMs: true, tracked: true },
  traceEvents: true,
};
const TRACK_OPTIONS: OptionNames<TrackOptions> = { name: true, ...WAIT_OPTIONS };
const DIRTY_RATE_OPTIONS: OptionNames<DirtyRateOptions> = { windowMs: true, client: true, ...WAIT_OPTIONS };
