/**
 * Keeps which user wants which client's bits (QEMU: memory_global_dirty_log_start and _stop, whose flags name the
 * user). A client that nobody wants costs vCPUs nothing: they do not look at its bitmaps, which do not even exist.
 *
 * DM-6 From `track` on no store is missed. `track` publishes tables in which all RAM is dirty for the client, so the
 *   first collection that clears a page's bit reports the page. That collection waits a grace period after its clear,
 *   and thus for every interval that began before the number that `track` requested. Only those intervals may use an
 *   older table or an older mask and leave marks out, and the collection's copy contains their stores. Intervals that
 *   begin with that number or a later one have the new table and the new mask (GP-3), and DM-2 holds for them.
 *
 * Users of a client share its live bits, and each user has a dirty set of its own (DM-8, dirty/collector.ts). For a
 * user that comes later all RAM is pending, because the user has never seen what was collected before (QEMU's
 * 40c4d4a8); the other users notice nothing. When a user stops, the client stays tracked for the others (63b41db4,
 * a5c90c61).
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
  /** The RAM of the moment: what is plugged and not discarded. */
  readonly ram: PageRanges;
}

/**
 * For messages about a full arena.
 * @returns who keeps pages in it that others have collected, and what to do; '' when nobody does
 */
export function describeHoarders(clients: readonly ClientBitmap[]): string {
  const hoarders = clients.flatMap((bitmap) =>
    [...bitmap.users]
      .filter(({ pending }) => pending.takesRoom)
      .map(({ name, pending }) => `'${name}' (${pending.pages} pages of ${bitmap.name})`),
  );
  if (hoarders.length === 0) return '';
  return `These users have yet to collect what others have collected: ${hoarders.join(', ')}; have each collect, or stop it. `;
}

export class Users {
  protected readonly parts: UsersParts;

  constructor(parts: UsersParts) {
    this.parts = parts;
  }

  /** @returns a user for whom all RAM is dirty */
  newUser(name: string): User {
    const { store, ram } = this.parts;
    return { name, pending: new PendingPages(store, ram, name), cursor: 0 };
  }

  /** Adds a user to a client that is tracked already. */
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
    // An engine that is closing may never end the period, and it frees everything anyway.
    if (cookie !== undefined && rcu.lifecycle.state === 'open') await rcu.waitFor('stop', cookie, {});
  }

  /**
   * `stop` for a caller that can neither wait nor report an error. It may be called inside a read section. When the
   * arena is full it tries again after a grace period.
   */
  abandon(bitmap: ClientBitmap, user: User): void {
    this.leave(bitmap, user).catch((error) => {
      if (error instanceof ArenaFullError) this.parts.rcu.defer(() => this.abandon(bitmap, user));
      else throwInOwnTurn(error);
    });
  }

  /**
   * Runs as one synchronous step (GP-1).
   * @returns the cookie of the period after which every vCPU marks for the client
   */
  private begin(bitmap: ClientBitmap): number {
    const { tables, rcu, ram } = this.parts;
    return bitmap.tracked ? rcu.request() : rcu.defer(tables.start(bitmap, ram, 'track'));
  }

  /**
   * Removes the user once the collections that were called before have ended.
   * @returns the cookie of the period after which the client's blocks are freed; undefined when other users remain
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
