/** One user of one client. Like `dirty-memory.ts`, this file checks arguments and leaves the work to the engine. */
import { checkInteger, UsageError, wrongType } from './base/errors.js';
import { INSPECT, type Inspect, inspection } from './base/inspection.js';
import { type OptionNames, readOptions } from './base/options.js';
import { checkWaitOptions, WAIT_OPTIONS, type WaitOptions } from './base/wait.js';
import type { Client } from './dirty/client.js';
import type { ClientBitmap, User } from './dirty/client-bitmap.js';
import type { Collection } from './dirty/collector.js';
import { EVERYTHING, type PageRange } from './dirty/page-range.js';
import { PageSet } from './dirty/page-set.js';
import type { Engine } from './engine.js';
import type { CheckedRanges } from './ram/checked-ranges.js';
import type { RamBlock } from './ram/ram-block.js';

/** How many pages a harvest takes, which set it adds them to, and how long it may wait. */
export interface HarvestOptions extends WaitOptions {
  /** A page set of this engine to which the pages are added. Default: a new set. */
  readonly into?: PageSet;
  /**
   * Collect at most this many pages; the user's next harvest with `maxPages` continues where this one stopped. Default:
   * all.
   */
  readonly maxPages?: number;
}

/** What a harvest found. */
export interface HarvestResult {
  /** `into`, or the new set. Dispose of it after use. */
  readonly set: PageSet;
  /** How many pages were not in the set before. */
  readonly added: number;
}

/** What a `Tracking` needs. */
export interface TrackingParts {
  readonly engine: Engine;
  readonly ranges: CheckedRanges;
  readonly bitmap: ClientBitmap;
  readonly user: User;
}

/**
 * One user of a client, with a dirty set of its own: pages that this user collects stay dirty for other users. Only the
 * owner's thread may use it. Users share the client's live bits, so the cost for vCPUs grows with the number of
 * collections and not with the number of users. Until a user has collected everything once, all RAM is dirty for it,
 * which costs nothing.
 */
export class Tracking {
  /** The client whose bits this user collects. */
  readonly client: Client;
  /** The user's name in messages. */
  readonly name: string;
  /**
   * Collections that do not wait. They may run only while all readers of other threads are offline and stay offline
   * until the owner lets them go on. While another collection is in flight they copy its pages, so a page may be seen
   * twice.
   */
  readonly whileStopped: TrackingWhileStopped;
  /** @internal */
  protected readonly parts: TrackingParts;
  private stopped: Promise<void> | undefined;

  /** @internal Embedders get a `Tracking` from `track`. */
  constructor(parts: TrackingParts) {
    this.client = parts.bitmap.client;
    this.name = parts.user.name;
    this.parts = parts;
    this.whileStopped = new TrackingWhileStopped(parts);
  }

  /** How many pages other users have collected and this user has not; all pages of RAM until its first harvest. */
  get pending(): number {
    checkOpen(this.parts, 'pending');
    return this.parts.user.pending.pages;
  }

  /** Is any page that the bytes touch dirty for this user? False for zero length. */
  isDirty(start: number, length: number): boolean {
    const { engine, bitmap, user } = this.parts;
    return engine.queries.anyDirty(queried(this.parts, 'isDirty', start, length), bitmap, user);
  }

  /**
   * Are all pages that the bytes touch dirty for this user? True for zero length. A page outside all RAM blocks is
   * never dirty.
   */
  allDirty(start: number, length: number): boolean {
    const { engine, bitmap, user } = this.parts;
    return engine.queries.allDirty(queried(this.parts, 'allDirty', start, length), bitmap, user);
  }

  /**
   * The pages that are dirty for this user now; they stay dirty. Dispose of the set after use.
   * @throws ArenaFullError
   */
  dirty(): PageSet {
    const { engine, bitmap, user } = this.parts;
    checkOpen(this.parts, 'dirty');
    const set = new PageSet(engine.store, 'dirty');
    try {
      engine.queries.addDirty(EVERYTHING, bitmap, user, set);
    } catch (error) {
      set.dispose();
      throw error;
    }
    return set;
  }

  /**
   * Clears the pages that the bytes touch, and waits a grace period if any of them was dirty.
   * @returns true when at least one page was dirty
   */
  async testAndClear(start: number, length: number, options: WaitOptions = {}): Promise<boolean> {
    const operation = 'testAndClear';
    const { engine, bitmap, user } = this.parts;
    const range = queried(this.parts, operation, start, length);
    const collection = { operation, bitmap, user, range: () => range, deliver: discard };
    const count = await engine.collector.collect(collection, options);
    engine.counts.testAndClears++;
    return count > 0;
  }

  /**
   * Clears the pages that the bytes touch, and waits a grace period if any of them was dirty.
   * @returns the pages that were dirty. Dispose of the set after use
   */
  async snapshotAndClear(start: number, length: number, options: WaitOptions = {}): Promise<PageSet> {
    const operation = 'snapshotAndClear';
    const { engine, bitmap, user } = this.parts;
    const range = queried(this.parts, operation, start, length);
    const collection = { operation, bitmap, user, range: () => range, deliver: keep };
    const set = await engine.collector.collect(collection, options);
    engine.counts.snapshots++;
    return set;
  }

  /** Collects all pages that are dirty for this user. When the promise resolves, the pages are safe to read. */
  async harvest(options: HarvestOptions = {}): Promise<HarvestResult> {
    const operation = 'harvest';
    const { engine, bitmap, user } = this.parts;
    checkOpen(this.parts, operation);
    const { into: given, maxPages, ...waits } = readOptions(operation, options, HARVEST_OPTIONS);
    const wait = checkWaitOptions(operation, waits);
    const into = checkInto(this.parts, operation, given);
    if (maxPages !== undefined) checkInteger(operation, 'maxPages', maxPages, 1, 2 ** 32);
    const collection = { operation, bitmap, user, range: () => EVERYTHING, maxPages, ...delivery(into) };
    return counted(engine, await engine.collector.collect(collection, wait));
  }

  /** @internal */
  async syncBitmap(block: RamBlock, options: WaitOptions): Promise<number> {
    const operation = 'syncBitmap';
    const { engine, bitmap, user } = this.parts;
    const added = await engine.collector.collect(
      { operation, bitmap, user, ...sync(this.parts, operation, block) },
      options,
    );
    engine.counts.syncs++;
    return added;
  }

  /**
   * Ends this user. Waits for the collections of the client that were called before. If this was the last user, and the
   * client was not named in `create({ tracked })`, `stop` then unpublishes the client's bitmaps and resolves when their
   * memory is free, after a grace period. A second call returns the promise of the first. After the engine's `close` it
   * does nothing.
   * @throws (rejects) UsageError inside a read-side section of this thread; ArenaFullError, because a new block table
   *   is needed for a moment. After a rejection the user goes on as before
   */
  stop(): Promise<void> {
    const { engine, bitmap, user } = this.parts;
    this.stopped ??= engine.users.stop(bitmap, user).catch((error) => {
      this.stopped = undefined;
      throw error;
    });
    return this.stopped;
  }

  /** Calls `stop`, for `await using` declarations. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    const { engine, bitmap, user } = this.parts;
    const stopped = user.pending.disposed || engine.allocator.closed || engine.arena.words.length === 0;
    const facts = {
      name: this.name,
      client: bitmap.name,
      ...(stopped ? { stopped } : { pending: user.pending.pages }),
    };
    return inspection('Tracking', facts, options, inspect);
  }

  /** @internal `stop` for a caller that can neither wait nor report an error. */
  abandon(): void {
    const { engine, bitmap, user } = this.parts;
    engine.users.abandon(bitmap, user);
  }
}

/** Collections of one user, for when all readers of other threads are offline. */
export class TrackingWhileStopped {
  private readonly parts: TrackingParts;

  /** @internal */
  constructor(parts: TrackingParts) {
    this.parts = parts;
  }

  /** As `Tracking.harvest`. @throws UsageError that names the readers that are online */
  harvest(options: { readonly into?: PageSet } = {}): HarvestResult {
    return this.harvestFor('whileStopped.harvest', options);
  }

  /** @internal As `harvest`. @param operation what the embedder has called, for messages */
  harvestFor(operation: string, options: { readonly into?: PageSet }): HarvestResult {
    const { engine, bitmap, user } = this.parts;
    checkOpen(this.parts, operation);
    const into = checkInto(this.parts, operation, readOptions(operation, options, { into: true }).into);
    engine.rcu.checkStopped(operation);
    const collection = { operation, bitmap, user, range: () => EVERYTHING, ...delivery(into) };
    return counted(engine, engine.collector.collectWhileStopped(collection));
  }

  /** As `Tracking.snapshotAndClear`. @throws as `harvest` */
  snapshotAndClear(start: number, length: number): PageSet {
    const operation = 'whileStopped.snapshotAndClear';
    const { engine, bitmap, user } = this.parts;
    const range = queried(this.parts, operation, start, length);
    engine.rcu.checkStopped(operation);
    const collection = { operation, bitmap, user, range: () => range, deliver: keep };
    const set = engine.collector.collectWhileStopped(collection);
    engine.counts.snapshots++;
    return set;
  }

  /** As `Tracking.testAndClear`. @throws as `harvest` */
  testAndClear(start: number, length: number): boolean {
    const operation = 'whileStopped.testAndClear';
    const { engine, bitmap, user } = this.parts;
    const range = queried(this.parts, operation, start, length);
    engine.rcu.checkStopped(operation);
    const collection = { operation, bitmap, user, range: () => range, deliver: discard };
    const count = engine.collector.collectWhileStopped(collection);
    engine.counts.testAndClears++;
    return count > 0;
  }

  /** @internal */
  syncBitmap(block: RamBlock): number {
    const operation = 'whileStopped.syncBitmap';
    const { engine, bitmap, user } = this.parts;
    const collection = { operation, bitmap, user, ...sync(this.parts, operation, block) };
    engine.rcu.checkStopped(operation);
    const added = engine.collector.collectWhileStopped(collection);
    engine.counts.syncs++;
    return added;
  }
}

const HARVEST_OPTIONS: OptionNames<HarvestOptions> = { into: true, maxPages: true, ...WAIT_OPTIONS };
const NOTHING: PageRange = { first: 0, end: 0 };

/** @throws UsageError unless the engine is open and the user has not stopped */
function checkOpen({ engine, bitmap, user }: TrackingParts, operation: string): void {
  engine.rcu.lifecycle.check(operation);
  if (!user.pending.disposed) return;
  throw new UsageError(`${operation}: '${user.name}' has stopped tracking ${bitmap.name}; call track again`);
}

function queried(parts: TrackingParts, operation: string, start: number, length: number): PageRange {
  checkOpen(parts, operation);
  return parts.ranges.toQuery(operation, start, length);
}

function checkInto({ engine }: TrackingParts, operation: string, into: PageSet | undefined): PageSet | undefined {
  if (into === undefined) return undefined;
  if (!PageSet.is(into) || !into.belongsTo(engine.store)) {
    throw wrongType(operation, 'into', into, 'a PageSet of this engine');
  }
  if (into.disposed) throw new UsageError(`${operation}: into was disposed of`);
  return into;
}

function counted({ counts }: Engine, result: HarvestResult): HarvestResult {
  counts.harvests++;
  counts.pagesHarvested += result.added;
  return result;
}

/** What becomes of what a harvest takes. */
function delivery(into: PageSet | undefined): Pick<Collection<HarvestResult>, 'check' | 'into' | 'deliver'> {
  return {
    into,
    check: () => {
      if (into?.disposed) throw new UsageError('harvest: into was disposed of while the harvest waited');
    },
    deliver: (taken, added) =>
      into === undefined ? { set: taken, added: taken.pages } : { set: into, added: added + into.absorb(taken) },
  };
}

/** Which pages a sync takes, and where they go. */
function sync(
  parts: TrackingParts,
  operation: string,
  block: RamBlock,
): { range: () => PageRange; check: () => void; deliver: (taken: PageSet) => number } {
  checkOpen(parts, operation);
  const { ram } = parts.engine;
  parts.ranges.ofPlugged(operation, block);
  return {
    range: () => (ram.has(block) ? block.range : NOTHING),
    check: () => {
      if (!block.pages.disposed || !ram.has(block)) return;
      throw new UsageError(`${operation}: the page set of '${block.id}' was disposed of`);
    },
    deliver: (taken) => {
      if (!block.pages.disposed) return block.pages.absorb(taken);
      taken.dispose();
      return 0;
    },
  };
}

function keep(taken: PageSet): PageSet {
  return taken;
}

function discard(taken: PageSet): number {
  const { pages } = taken;
  taken.dispose();
  return pages;
}
