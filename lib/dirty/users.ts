/**
 * Who wants which client's bits (QEMU: memory_global_dirty_log_start and _stop, whose flags say for whom). A client that
 * nobody wants costs vCPUs nothing: they do not look at its bitmaps, which do not even exist.
 *
 * DM-6 From `track` on no store is missed. All RAM is dirty for the client in the tables that `track` publishes, so the
 *   first collection to clear a page's bit has the page. It waits a grace period after its clear, and so for every
 *   interval that began before the number which `track` requested: those are the only ones that may have an older table
 *   or an older mask and leave marks out, and their stores are in that collection's copy. Intervals that begin with the
 *   number or a later one have both (GP-3), and DM-2 holds for them.
 *
 * Users of a client share its live bits, and each has a dirty set of its own (DM-8, dirty/collector.ts). To one that comes
 * later all RAM is pending, since what was collected before it came it has never seen (QEMU's 40c4d4a8); the others notice
 * nothing. Its stop ends nothing for them (63b41db4, a5c90c61).
 */
import { ArenaFullError, throwInOwnTurn } from '../base/errors.js';
import type { WaitOptions } from '../base/wait.js';
import type { Rcu } from '../rcu/rcu.js';
import type { BlockTables } from './block-tables.js';
import type { ClientBitmap, User } from './client-bitmap.js';
import type { Collector } from './collector.js';
import type { PageRanges } from './page-ranges.js';
import type { PageSetStore } from './page-set-store.js';
import { PendingPages } from './pending-pages.js';

export interface UsersParts {
  readonly tables: BlockTables;
  readonly collector: Collector;
  readonly rcu: Rcu;
  readonly store: PageSetStore;
  /** The RAM of the moment. */
  readonly ram: PageRanges;
}

export class Users {
  protected readonly parts: UsersParts;

  constructor(parts: UsersParts) {
    this.parts = parts;
  }

  /** To whom all RAM is dirty. */
  newUser(name: string): User {
    const { store, ram } = this.parts;
    return { name, pending: new PendingPages(store, ram, name), cursor: 0 };
  }

  /** For a client that is tracked. */
  join(bitmap: ClientBitmap, name: string): User {
    const user = this.newUser(name);
    bitmap.users.add(user);
    return user;
  }

  /** @throws (rejects) as `DirtyMemory.track` */
  async track(bitmap: ClientBitmap, name: string, wait: WaitOptions): Promise<User> {
    const { rcu } = this.parts;
    rcu.checkMayWait('track');
    wait.signal?.throwIfAborted();
    rcu.step();
    let user: User;
    let cookie: number;
    try {
      cookie = this.begin(bitmap);
      user = this.join(bitmap, name);
    } catch (error) {
      await rcu.breathe();
      throw error;
    }
    try {
      await rcu.waitFor('track', cookie, wait);
    } catch (error) {
      this.abandon(bitmap, user);
      throw error;
    }
    return user;
  }

  /** @throws (rejects) as `Tracking.stop` */
  async stop(bitmap: ClientBitmap, user: User): Promise<void> {
    const { rcu } = this.parts;
    if (rcu.lifecycle.state === 'open') rcu.checkMayWait('stop');
    const cookie = await this.leave(bitmap, user).catch(async (error) => {
      await rcu.breathe();
      throw error;
    });
    // An engine that is closing may not see the period through, and frees everything anyway.
    if (cookie !== undefined && rcu.lifecycle.state === 'open') await rcu.waitFor('stop', cookie, {});
  }

  /** `stop` for whoever cannot wait and has nobody to tell: in a section, too, and later where there is no room. */
  abandon(bitmap: ClientBitmap, user: User): void {
    this.leave(bitmap, user).catch((error) => {
      if (error instanceof ArenaFullError) this.parts.rcu.defer(() => this.abandon(bitmap, user));
      else throwInOwnTurn(error);
    });
  }

  /** One synchronous step (GP-1). @returns the cookie of the period after which every vCPU marks for the client */
  private begin(bitmap: ClientBitmap): number {
    const { tables, rcu, ram } = this.parts;
    return bitmap.tracked ? rcu.request() : rcu.defer(tables.start(bitmap, ram, 'track'));
  }

  /**
   * When the collections that were called before have ended.
   * @returns the cookie of the period that frees what the last user leaves
   */
  private async leave(bitmap: ClientBitmap, user: User): Promise<number | undefined> {
    const { collector, tables, rcu } = this.parts;
    return collector.between(bitmap, () => {
      if (!bitmap.users.has(user)) return undefined;
      const last = bitmap.users.size === 1 && rcu.lifecycle.state !== 'closed';
      const cookie = last ? rcu.defer(tables.stop(bitmap, 'stop')) : undefined;
      bitmap.users.delete(user);
      user.pending.dispose();
      return cookie;
    });
  }
}
