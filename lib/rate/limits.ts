/**
 * Dirty-rate limits, the owner's side: how many pages a reader may turn dirty for the MIGRATION client in a second (QEMU:
 * set_vcpu_dirty_limit). Each reader holds its own (rate/throttle.ts): at a quiescent state it compares what it has
 * turned with what the limit allows by then, and when it is ahead it goes offline, so that no grace period waits for it,
 * and sleeps. Only a reader with a limit looks; the owner makes others look by a grace period after the change.
 *
 * DL-1 A changed limit is slept through by nobody, and seen by every reader's next report. The owner stores the limit,
 *   changes the word that readers sleep on, notifies, and then requests a grace period. A reader that goes to sleep reads
 *   the word, then the limit, and then waits for that value of the word: if it has read the old limit, the word is yet
 *   to change, and the wait returns at once or is notified. A reader that reports loads the number first, and the
 *   limit after it: with the number of that grace period it finds the new limit. A reader that enters does the same.
 * DL-2 A limit ends with its tenant. Who leaves says so in the slot before it takes the limit away, and the next tenant takes
 *   that word back only after it has put its identity there. The owner stores the limit before it looks at both again.
 *   Either the owner sees that the tenant is leaving, or another one is there, and takes the limit away itself, or its store came
 *   before the tenant's.
 */
import type { Arena } from '../arena/arena.js';
import { Header, Meter, meterOf, Slot, Slots, UNLIMITED } from '../arena/layout.js';

export class RateLimits {
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /**
   * @param limit pages a second, or 0 for none
   * @param identity of one thread, whose readers are attached now; left out, of all readers, and of those to come
   * @returns of how many readers that are attached
   */
  set(limit: number, identity?: number): number {
    const { words } = this.arena;
    if (identity === undefined) words.store(Header.Limit, limit);
    let readers = 0;
    this.eachSlot((slot, own) => {
      const tenant = words.load(slot + Slot.Identity);
      if (tenant <= 0 || tenant !== (identity ?? tenant - 1) + 1) return;
      words.store(own, identity === undefined ? 0 : limit || UNLIMITED);
      // ORDER DL-2: after the limit (store-load), else it stays for the slot's next tenant. First whether it leaves, then
      //   who it is (load-load), else what was read of the next tenant is taken for this one's.
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
    // ORDER DL-1: the limits precede this change (release), and the change the notify, else a reader sleeps on for a
    //   limit that is no longer in force, for as long as it had to pay off at the old one.
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
