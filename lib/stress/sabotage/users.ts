/** Planted bugs of several users of a client: a user takes pages away from the others. */
import type { WaitOptions } from '../../base/wait.js';
import type { User } from '../../dirty/client-bitmap.js';
import { type Collection, Collector } from '../../dirty/collector.js';
import { EVERYTHING } from '../../dirty/page-range.js';
import { PageSet } from '../../dirty/page-set.js';
import type { PendingPages } from '../../dirty/pending-pages.js';
import { Users } from '../../dirty/users.js';
import { RamList } from '../../ram/ram-list.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

class DeliversToTheCollectorAlone extends Collector {
  protected override deliverTo(): void {}

  protected override heirs(): ReadonlyMap<number, PendingPages> {
    return new Map();
  }
}

class DropsWhatIsPending extends Collector {
  override async collect<T>(collection: Collection<T>, options: WaitOptions): Promise<T> {
    try {
      return await super.collect(collection, options);
    } catch (error) {
      const dropped = new PageSet(this.parts.store, 'sabotage');
      collection.user.pending.moveTo(EVERYTHING, dropped);
      dropped.dispose();
      throw error;
    }
  }
}

class BeginsWithNothing extends Users {
  override newUser(name: string): User {
    const user = super.newUser(name);
    const seen = new PageSet(this.parts.store, 'sabotage');
    user.pending.moveTo(EVERYTHING, seen);
    seen.dispose();
    return user;
  }
}

class NeverClips extends RamList {
  protected override clip(): void {}
}

export const userSabotages = {
  'delivered-to-the-collector-alone': {
    description: "pages that one user has collected are never delivered to the client's other users",
    parts: { collector: (...of) => new DeliversToTheCollectorAlone(...of) },
    oracles: CORRUPTION,
  },
  'pending-dropped-on-abort': {
    description:
      'a harvest that times out drops pages that other users had collected and its user had not received yet',
    parts: { collector: (...of) => new DropsWhatIsPending(...of) },
    oracles: CORRUPTION,
  },
  'new-user-begins-clean': {
    description: 'for a new user, pages that other users have collected before are clean, though they must be dirty',
    parts: { users: (...of) => new BeginsWithNothing(...of) },
    oracles: CORRUPTION,
  },
  'pending-not-clipped': {
    description: 'pages of unplugged RAM stay pending',
    parts: { ram: (...of) => new NeverClips(...of) },
    oracles: [],
  },
} as const satisfies Record<string, Sabotage>;
