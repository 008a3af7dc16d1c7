/**
 * One engine, assembled from its parts. `DirtyMemory` passes its checked arguments to it; the torture, the specs and
 * the benchmarks use it directly. Only the owner's thread may use it.
 */
import type { Allocator } from './arena/allocator.js';
import { Arena } from './arena/arena.js';
import { CLOSED, Header } from './arena/layout.js';
import type { ArenaOptions } from './arena/options.js';
import { describeReaders, GracePeriodTimeout, WHAT_READERS_DO } from './base/errors.js';
import { Events } from './base/events.js';
import { warn } from './base/host.js';
import type { WaitOptions } from './base/wait.js';
import type { KernelChoice } from './bitmap/choose-kernel.js';
import type { Kernel } from './bitmap/kernel.js';
import type { BlockTables } from './dirty/block-tables.js';
import { ALL_CLIENTS, type Client, rootOf } from './dirty/client.js';
import type { ClientBitmap, User } from './dirty/client-bitmap.js';
import type { Collector } from './dirty/collector.js';
import { Marks } from './dirty/marks.js';
import type { PageSetStore } from './dirty/page-set-store.js';
import type { Queries } from './dirty/queries.js';
import { Recycler } from './dirty/recycler.js';
import { describeHoarders, type Users } from './dirty/users.js';
import type { Parts } from './parts.js';
import type { RamList } from './ram/ram-list.js';
import { RateLimits } from './rate/limits.js';
import type { Rcu, StallReport } from './rcu/rcu.js';

/** The names of the events, and what their listeners receive. */
export interface DirtyMemoryEvents {
  stall: StallReport;
}

export interface EngineSetup extends ArenaOptions {
  readonly kernel: KernelChoice;
  readonly stallMs: number;
  /** The mask of clients that are tracked from the beginning. */
  readonly tracked: number;
}

export class Engine {
  readonly arena: Arena;
  readonly kernel: Kernel;
  readonly allocator: Allocator;
  readonly store: PageSetStore;
  readonly rcu: Rcu;
  readonly tables: BlockTables;
  readonly ram: RamList;
  readonly collector: Collector;
  readonly users: Users;
  readonly queries: Queries;
  readonly marks: Marks;
  readonly limits: RateLimits;
  readonly events = new Events<DirtyMemoryEvents>(['stall']);
  readonly counts = { harvests: 0, pagesHarvested: 0, syncs: 0, snapshots: 0, testAndClears: 0 };
  private readonly recycler: Recycler;
  private readonly releaseMemory: () => void;
  /** The engine's own users, in the order of `CLIENTS`. */
  private readonly own: readonly User[];
  private closing: Promise<void> = Promise.resolve();

  /**
   * @throws what the parts throw; a failure leaves nothing behind, except that bytes of `memory` may have been
   *   overwritten
   */
  constructor(setup: EngineSetup, parts: Parts) {
    const { kernel: choice, stallMs, tracked, memory } = setup;
    const { arena, maxPages, release } = Arena.create(setup, tracked === ALL_CLIENTS ? 0 : 1);
    const { geometry, words, regions } = arena;
    this.releaseMemory = release;
    this.arena = arena;
    try {
      const kernel = parts.kernel(arena, choice);
      const allocator = parts.allocator(arena, memory === undefined);
      const store = { geometry, allocator, kernel, runs: { words, first: regions.runs, holder: undefined } };
      const rcu = parts.rcu(arena, parts.gracePeriods(arena), stallMs, (report) => this.reportStall(report));
      const tables = parts.tables(arena, allocator, kernel, tracked);
      const ram = parts.ram({ geometry, maxPages, tables, rcu, store, recorder: arena.recorder });
      const { populated } = ram;
      const { swapPolicy } = parts;
      const collector = parts.collector({ arena, tables, rcu, store, ram: populated, swapPolicy });
      allocator.describeHoldouts = () => rcu.describeHoldouts();
      allocator.describeHoarders = () => describeHoarders(tables.clients);
      this.kernel = kernel;
      this.allocator = allocator;
      this.store = store;
      this.rcu = rcu;
      this.tables = tables;
      this.ram = ram;
      this.collector = collector;
      this.users = parts.users({ tables, collector, rcu, store, ram: populated });
      this.own = tables.clients.map((bitmap) => {
        const user = this.users.newUser('the engine');
        if (bitmap.tracked) bitmap.users.add(user);
        return user;
      });
      this.queries = parts.queries(kernel, populated, geometry);
      this.marks = new Marks(tables.clients, kernel, geometry);
      this.limits = new RateLimits(arena);
      this.recycler = new Recycler(allocator);
    } catch (error) {
      release();
      throw error;
    }
  }

  bitmapOf(client: Client): ClientBitmap {
    return this.tables.clients[rootOf(client)] as ClientBitmap;
  }

  /** The engine's own user of the client. It can collect only if the client is tracked from the beginning. */
  ownUserOf(client: Client): User {
    return this.own[rootOf(client)] as User;
  }

  /** As `DirtyMemory.close`. @throws (rejects) as `DirtyMemory.close` */
  close(wait: WaitOptions): Promise<void> {
    const { lifecycle } = this.rcu;
    if (lifecycle.state !== 'open') return this.closing;
    this.rcu.checkMayWait('close');
    lifecycle.state = 'closing';
    this.closing = this.closeAfter(wait);
    return this.closing;
  }

  private async closeAfter(options: WaitOptions): Promise<void> {
    const { lifecycle } = this.rcu;
    const timeoutError = (ms: number): Error => new GracePeriodTimeout('close', ms, this.rcu.holdouts());
    const limit = { options, since: performance.now(), timeoutError };
    try {
      options.signal?.throwIfAborted();
      // Wait for everything under way; nothing new begins while the engine is closing.
      await this.collector.settle(limit);
      await this.ram.settle(limit);
      await this.rcu.drain(limit);
    } catch (error) {
      lifecycle.state = 'open';
      throw error;
    }
    lifecycle.state = 'closed';
    // ORDER GP-1: store Closed before the number, so that a reader that reports reloads its roots and finds the engine
    //   closed.
    // pairs with: dirty/vcpu.ts loadRoots
    this.arena.words.store(Header.Closed, CLOSED);
    this.limits.set(0); // wakes readers that sleep
    this.tables.close();
    this.rcu.close();
    this.allocator.closed = true;
    this.recycler.close();
    this.releaseMemory();
  }

  private reportStall(report: StallReport): void {
    if (this.events.emit('stall', report)) return;
    warn(
      `a grace period has not ended for ${report.gracePeriodMs.toFixed(0)} ms; waiting for ${describeReaders(report.readers)}; ${WHAT_READERS_DO}`,
    );
  }
}
