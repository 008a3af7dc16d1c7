/**
 * Who wants which client's bits (QEMU: memory_global_dirty_log_start and _stop, whose flags say for whom). A client that
 * nobody wants costs vCPUs nothing: they do not look at its bitmaps, which do not even exist.
 *
 * DM-6 From `track` on no store is missed. All RAM is dirty for the client in the tables that `track` publishes, so the
 *   first collection to clear a page's bit has the page. It waits a grace period after its clear, and so for every
 *   interval that began before the number which `track` requested: those are the only ones that may have an older table
 *   or an older mask and leave marks out, and their stores are in that collection's copy. Intervals that begin with the
 *   number or a later one have both (GP-3), and DM-2 holds for them. A collection that does not wait is refused until then.
 *
 * Users of a client share its bits, so a user that comes second makes all RAM dirty, too: what was collected before it
 * came it has never seen (QEMU's 40c4d4a8). Its stop ends nothing for the others (63b41db4, a5c90c61). A user that collects
 * alone for a while (dirty/exclusive-use.ts) leaves all RAM dirty for the others, too.
 */
import { ArenaFullError, throwInOwnTurn } from '../base/errors.js';
import { readWaitOptions, type WaitOptions } from '../base/wait.js';
import type { Rcu } from '../rcu/rcu.js';
import type { BlockTables } from './block-tables.js';
import type { Client } from './client.js';
import type { ClientBitmap } from './client-bitmap.js';
import type { Collector, RamWithin } from './collector.js';
import { EVERYTHING } from './page-range.js';

/** One user's tracking of a client. Of the owner's thread alone. */
export class Tracking {
  readonly client: Client;
  private readonly end: () => Promise<void>;
  private readonly giveUp: () => void;
  private stopped: Promise<void> | undefined;

  /** @internal Embedders get theirs from `track`. */
  constructor(client: Client, end: () => Promise<void>, giveUp: () => void) {
    this.client = client;
    this.end = end;
    this.giveUp = giveUp;
  }

  /**
   * This user needs the bits no more. When it was the last one, and the client was not `tracked` at creation, the client's
   * bitmaps are unpublished when the collections that are under way have ended; resolves when their memory is free,
   * after a grace period. A second call is the first one's; after the engine's `close` there is nothing to end.
   * @throws (rejects) UsageError inside a read-side section of this thread, ArenaFullError (a table of its size is needed
   *   for a moment); then it is as if not called
   */
  stop(): Promise<void> {
    this.stopped ??= this.end().catch((error) => {
      this.stopped = undefined;
      throw error;
    });
    return this.stopped;
  }

  /** @internal `stop` for whoever cannot wait and has nobody to tell: in a section, too, and later where there is no room. */
  abandon(): void {
    this.giveUp();
  }
}

export class Trackings {
  private readonly tables: BlockTables;
  private readonly collector: Collector;
  private readonly rcu: Rcu;
  private readonly ramWithin: RamWithin;

  constructor(tables: BlockTables, collector: Collector, rcu: Rcu, ramWithin: RamWithin) {
    this.tables = tables;
    this.collector = collector;
    this.rcu = rcu;
    this.ramWithin = ramWithin;
  }

  /** @throws (rejects) as `DirtyMemory.track` */
  async track(bitmap: ClientBitmap, options: WaitOptions): Promise<Tracking> {
    const wait = readWaitOptions('track', options);
    this.rcu.checkMayWait('track');
    wait.signal?.throwIfAborted();
    this.rcu.step();
    let cookie: number;
    try {
      cookie = this.begin(bitmap);
    } catch (error) {
      await this.rcu.breathe();
      throw error;
    }
    try {
      await this.rcu.waitFor('track', cookie, wait);
    } catch (error) {
      this.abandon(bitmap);
      throw error;
    }
    return this.trackingOf(bitmap);
  }

  /** For a user whom what others have collected does not concern. @returns undefined where only `track` will do */
  join(bitmap: ClientBitmap): Tracking | undefined {
    if (!bitmap.tracked) return undefined;
    bitmap.users++;
    return this.trackingOf(bitmap);
  }

  /** All RAM is dirty for whoever uses the client, in one step; nothing happens where nobody does. */
  dirtyAll(bitmap: ClientBitmap): void {
    if (this.rcu.lifecycle.state === 'closed' || bitmap.users === 0) return;
    // What is borrowed goes back first: a measurement would count all RAM.
    bitmap.lock.endLoan();
    for (const range of this.ramWithin(EVERYTHING)) this.tables.setDirty(bitmap, range);
  }

  private trackingOf(bitmap: ClientBitmap): Tracking {
    return new Tracking(
      bitmap.client,
      () => this.stop(bitmap),
      () => this.abandon(bitmap),
    );
  }

  /** One synchronous step (GP-1). @returns the cookie of the period after which every vCPU marks for the client */
  private begin(bitmap: ClientBitmap): number {
    if (bitmap.tracked) {
      bitmap.users++;
      this.dirtyAll(bitmap);
      return this.rcu.request();
    }
    const release = this.tables.start(bitmap, this.ramWithin(EVERYTHING), 'track');
    bitmap.users = 1;
    const cookie = this.rcu.defer(release);
    bitmap.trackedFrom = cookie;
    return cookie;
  }

  private async stop(bitmap: ClientBitmap): Promise<void> {
    const { lifecycle } = this.rcu;
    if (lifecycle.state === 'open') this.rcu.checkMayWait('stop');
    const cookie = await this.leave(bitmap).catch(async (error) => {
      await this.rcu.breathe();
      throw error;
    });
    // An engine that is closing may not see the period through, and frees everything anyway.
    if (cookie !== undefined && lifecycle.state === 'open') await this.rcu.waitFor('stop', cookie, {});
  }

  private abandon(bitmap: ClientBitmap): void {
    this.leave(bitmap).catch((error) => {
      if (error instanceof ArenaFullError) this.rcu.defer(() => this.abandon(bitmap));
      else throwInOwnTurn(error);
    });
  }

  /** @returns the cookie of the period that frees what the last user leaves */
  private async leave(bitmap: ClientBitmap): Promise<number | undefined> {
    bitmap.users--;
    if (bitmap.users !== 0) return undefined;
    return this.collector.between(bitmap, () => this.unpublish(bitmap));
  }

  /** Unless another user has come while the collections ended. */
  private unpublish(bitmap: ClientBitmap): number | undefined {
    if (this.rcu.lifecycle.state === 'closed' || bitmap.users !== 0) return undefined;
    // That user has come and gone again, and what it waits for was begun before it.
    if (!bitmap.tracked) return this.rcu.request();
    try {
      return this.rcu.defer(this.tables.stop(bitmap, 'stop'));
    } catch (error) {
      bitmap.users = 1;
      throw error;
    }
  }
}
