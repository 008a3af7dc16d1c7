/**
 * Dirty-rate limits, the owner's side: how many pages a reader may turn dirty for the MIGRATION client in a second
 * (QEMU: set_vcpu_dirty_limit). Each reader keeps to its own limit (rate/throttle.ts). At a quiescent state it compares
 * the pages that it has turned dirty with the pages that the limit allows by then. When it is ahead, it goes offline,
 * so that no grace period waits for it, and sleeps. Only readers with a limit make this comparison; other readers
 * notice a new limit because the owner requests a grace period after the change.
 *
 * DL-1 No reader sleeps through a change of its limit, and every reader sees the change at its next report. The owner
 *   stores the limit, changes the word that readers sleep on, notifies, and then requests a grace period. A reader that
 *   goes to sleep reads the word, then the limit, and then waits while the word has the value read. If the reader has
 *   read the old limit, the word changes later, so the wait returns at once or is notified. A reader that reports loads
 *   the number first and the limit after it: with the number of that grace period it finds the new limit. A reader that
 *   enters does the same.
 * DL-2 A limit ends with its tenant. A tenant that leaves sets the slot's `Leaving` word before it removes the limit,
 *   and the next tenant clears this word only after it has stored its identity. The owner stores the limit before it
 *   looks at both words again. Either the owner sees that the tenant is leaving, or that another tenant is there, and
 *   removes the limit itself; or the owner's store came before the store by which the tenant removes the limit.
 */
import type { Arena } from '../arena/arena.js';
import { Header, Meter, meterOf, Slot, Slots, UNLIMITED } from '../arena/layout.js';

export class RateLimits {
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /**
   * @param limit in pages a second, or 0 for no limit
   * @param identity limits the readers of this thread that are attached now; without it the limit is for all readers,
   *   also those that attach later
   * @returns how many attached readers the limit applies to
   */
  set(limit: number, identity?: number): number {
    const { words } = this.arena;
    if (identity === undefined) words.store(Header.Limit, limit);
    let readers = 0;
    this.eachSlot((slot, own) => {
      const tenant = words.load(slot + Slot.Identity);
      if (tenant <= 0 || tenant !== (identity ?? tenant - 1) + 1) return;
      words.store(own, identity === undefined ? 0 : limit || UNLIMITED);
      // ORDER DL-2: these loads come after the store of the limit (store-load), else the limit stays for the slot's
      //   next tenant. `Leaving` is loaded before the identity (load-load), else the next tenant's `Leaving` could be
      //   taken for this tenant's.
      // pairs with: rcu/registry.ts freeSlot, moveIn
      const leaves = words.load(slot + Slot.Leaving) !== 0;
      if (!leaves && words.load(slot + Slot.Identity) === tenant) readers++;
      else words.store(own, 0);
    });
    this.announce();
    return readers;
  }

  private announce(): void {
    const { words } = this.arena;
    // ORDER DL-1: the stores of the limits precede this change (release), and the change precedes the notify. Else a
    //   reader sleeps on under a limit that is no longer in force, until it has paid off its debt at the old limit.
    // pairs with: rate/throttle.ts sleep
    words.add(Header.LimitChanges, 1);
    words.notify(Header.LimitChanges);
  }

  private eachSlot(visit: (slot: number, own: number) => void): void {
    const { geometry, regions } = this.arena;
    for (let i = 0; i < geometry.maxReaders; i++) {
      const slot = Slots.first + i * Slots.size;
      visit(slot, meterOf(regions, slot) + Meter.Limit);
    }
  }
}
