/**
 * The owner's handle: it translates bytes of ram_addr space to page ranges, refuses bad arguments before anything changes,
 * and leaves the work to an engine.
 *
 * Every method is called from the thread that created the engine. Those that clear bits before pages are read are
 * asynchronous: they wait a grace period. Their bad arguments reject.
 */
import type { ArenaHandle } from './arena/arena.js';
import { Slots } from './arena/layout.js';
import type { ArenaOptions } from './arena/options.js';
import { CorruptionError, checkInteger, type ReaderReport, UsageError, wrongType } from './base/errors.js';
import { type OptionNames, readOptions } from './base/options.js';
import { checkWaitOptions, readWaitOptions, WAIT_OPTIONS, type WaitOptions } from './base/wait.js';
import { checkKernelChoice } from './bitmap/choose-kernel.js';
import { ALL_CLIENTS, type Client, checkClient, checkMask, clientsFor, MIGRATION, rootOf } from './dirty/client.js';
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

/** What a user of a client is called, and how long it may wait for vCPUs. */
export interface TrackOptions extends WaitOptions {
  /** For messages. Default: 'a user'. */
  readonly name?: string;
}

/** How long to measure, for whom, and how long that may take. */
export interface DirtyRateOptions extends WaitOptions {
  /** Milliseconds to measure: an integer from 1 to 3600000, an hour. */
  readonly windowMs: number;
  /** Default: MIGRATION. */
  readonly client?: Client;
}

let handleOf: (engine: Engine) => DirtyMemory;
let isHandle: (value: object) => value is DirtyMemory;
/** @internal The engine behind its owner's handle, for what the handle does not offer. */
export let engineOf: (memory: DirtyMemory) => Engine;

/** An engine, in the hands of its owner: the thread that created it, from which alone every method is called. */
export class DirtyMemory {
  /** Plugging, unplugging and looking up RAM. */
  readonly ram: RamList;
  /** Waiting for readers. */
  readonly rcu: Rcu;
  /** What the constructor made has it: nothing forged has, nor what another copy of this module made. */
  readonly #engine: Engine;
  /**
   * Collections of the engine's own users that do not wait, for when every reader of another thread is offline, and stays so
   * until the owner tells it to go on. While another collection is in flight they take a copy of its pages.
   */
  readonly whileStopped: DirtyMemoryWhileStopped;
  private readonly ranges: CheckedRanges;
  /** In the order of `CLIENTS`. */
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
   * Reserves an engine; the calling thread becomes its owner. Memory is committed as it is touched.
   * @throws TypeError, RangeError for options that cannot be; NoSharedMemoryError; AddressSpaceError. Then nothing is left
   *   of the try, but that bytes of `memory` may have been written to
   */
  static create(options: DirtyMemoryOptions = {}): DirtyMemory {
    return openEngine(options).memory;
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

  /** In bytes, as it was created. */
  get pageSize(): number {
    return this.#engine.arena.geometry.pageSize;
  }

  /** For `attachVcpu` in another thread: pass it by `workerData` or `postMessage`. Of `shared: false`: on this thread. */
  get handle(): ArenaHandle {
    return this.#engine.arena.handle;
  }

  /**
   * Begins to keep a client's marks for a user, to whom all RAM is dirty at first; other users notice nothing. Resolves after
   * a grace period, when every vCPU marks for it. (QEMU: memory_global_dirty_log_start.)
   * @param options.name of the user, for messages. Default: 'a user'
   * @throws (rejects) RangeError, TypeError, ArenaFullError, UsageError; GracePeriodTimeout, the signal's reason: then there
   *   is no such user
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

  /** The mask of clients that are tracked. Of the others everything is taken for dirty, and collecting them is refused. */
  get tracked(): number {
    return this.#engine.tables.tracked;
  }

  /** Marks the page at a ram_addr for one client. @returns whether it was clean. @throws RangeError, TypeError */
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
   * Marks the pages that a little-endian bitmap names, for all clients or those of `mask`. A host page may be larger or
   * smaller than a page; one at the end may reach past its RAM block, whose pages alone are then marked.
   * @param bits bit `n` stands for the host page at `start + n * hostPageSize`
   * @param pages how many bits count
   * @param options.mask one client, or the sum of several
   * @returns how many pages it marked, dirty before or not
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
   * Is any page that the bytes touch dirty for the engine's own user of the client? False for zero length. Of a client that
   * is not in `create({ tracked })`, which that user never collects, all RAM is.
   */
  isDirty(start: number, length: number, client: Client): boolean {
    return this.ownOf('isDirty', client).isDirty(start, length);
  }

  /** Are all pages that the bytes touch dirty for it? True for zero length; a page in no RAM block is never dirty. */
  allDirty(start: number, length: number, client: Client): boolean {
    return this.ownOf('allDirty', client).allDirty(start, length);
  }

  /**
   * The clients of the mask for whose own user some page that the bytes touch is clean.
   * @param mask one client, or the sum of several
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

  /** `Tracking.harvest` of the engine's own user of the client: everything that is dirty, safe to read when it resolves. */
  harvest(client: Client, options: HarvestOptions = {}): Promise<HarvestResult> {
    return this.collectBy('harvest', client, (own) => own.harvest(options));
  }

  /**
   * Moves what is dirty of a RAM block, for the engine's own user of MIGRATION, to `block.pages`.
   * @returns how many pages are newly dirty there; 0 when the block was unplugged meanwhile
   */
  async syncBitmap(block: RamBlock, options: WaitOptions = {}): Promise<number> {
    return this.ownOf('syncBitmap', MIGRATION).syncBitmap(block, options);
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
    const { windowMs, client = MIGRATION, ...waits } = readOptions(operation, options, DIRTY_RATE_OPTIONS);
    const wait = checkWaitOptions(operation, waits);
    checkInteger(operation, 'windowMs', windowMs, 1, 3_600_000);
    const bitmap = this.client(operation, client);
    this.checkOpen(operation);
    return new DirtyRateMeasurement(this.#engine, bitmap, windowMs, wait).run();
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
    const readers = this.#engine.limits.set(pagesPerSecond ?? 0, identity);
    this.rcu.startPoll(); // so that each vCPU reports, and sees it
    return readers;
  }

  /** An empty set, for `harvest` to add to. */
  createPageSet(): PageSet {
    this.checkOpen('createPageSet');
    return new PageSet(this.#engine.store, 'page set');
  }

  /**
   * Retires the worker's readers when its thread has ended, however it ends, so that no grace period waits for them. A
   * vCPU that was killed between a store and its mark leaves that store unmarked unless it marks first. Also after the
   * engine was closed, for as long as anybody holds its memory; the worker holds neither engine nor memory.
   * @throws TypeError when it is no Worker, or has ended already; UsageError in Deno, whose `exit` event may come before the
   *   thread's end: `retire` is for that
   */
  supervise(worker: SupervisedWorker): void {
    supervise(worker, this.#engine.arena, this.rcu);
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
    const { arena } = this.#engine;
    this.rcu.lifecycle.checkMemory('retire');
    const local = findLocalReader(
      arena,
      (own) => own.identity === identity || own.slot === Slots.first + (position ?? -1) * Slots.size,
    );
    if (local !== undefined) throw new UsageError(`retire: reader '${local.name}' is of the calling thread itself`);
    if (this.rcu.lifecycle.state !== 'closed' && !isInPlace(arena)) {
      throw new CorruptionError(
        "retire: the engine's id in the arena was written over, or another engine lives there: this one is lost",
      );
    }
    const retired = position === undefined ? retireIdentity(arena, identity) : retireSlot(arena, position);
    this.rcu.step();
    return retired;
  }

  /** 'stall': a grace period has taken longer than `stallMs`; the report names who holds it up. */
  on<Name extends keyof DirtyMemoryEvents>(event: Name, listener: (report: DirtyMemoryEvents[Name]) => void): void {
    this.#engine.events.on(event, listener);
  }

  /** Ends what `on` began; a listener that is not there is no error. */
  off<Name extends keyof DirtyMemoryEvents>(event: Name, listener: (report: DirtyMemoryEvents[Name]) => void): void {
    this.#engine.events.off(event, listener);
  }

  /** The counters of this moment. Costs a look at every reader slot. */
  stats(): Stats {
    this.rcu.lifecycle.checkMemory('stats');
    const { arena } = this.#engine;
    return statsOf(this.#engine, isInPlace(arena) ? reportReaders(arena) : []);
  }

  /**
   * Ends the engine, after all that is under way: collections, unpluggings, callbacks. Readers that are still attached
   * throw at their first mark after their next quiescent state. A second call is the first one's.
   * @throws (rejects) GracePeriodTimeout, the signal's reason; UsageError inside a read-side section, for callbacks of `callRcu`
   *   that hand over others without end, and for one that was refused something because the engine closes; then the engine is
   *   open as before
   */
  async close(options: WaitOptions = {}): Promise<void> {
    return this.#engine.close(readWaitOptions('close', options));
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

  /** No `await` of its own: a clean harvest takes a microsecond, and each a good part of one. */
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

/** The collections of the engine's own users while every reader of another thread is offline. */
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

/** @internal Is it what `create` has returned? */
export function isDirtyMemory(value: unknown): value is DirtyMemory {
  return typeof value === 'object' && value !== null && isHandle(value);
}

/**
 * @internal An engine, and its owner's handle: for the torture, specs and benchmarks.
 * @param parts those that are not the shipped ones
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
};
const TRACK_OPTIONS: OptionNames<TrackOptions> = { name: true, ...WAIT_OPTIONS };
const DIRTY_RATE_OPTIONS: OptionNames<DirtyRateOptions> = { windowMs: true, client: true, ...WAIT_OPTIONS };
