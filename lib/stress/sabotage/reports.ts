/** Planted bugs of reports: a reader reports for other readers too, or reports at the wrong time. */
import { Header, Slot, Slots } from '../../arena/layout.js';
import { Vcpu } from '../../dirty/vcpu.js';
import type { Sabotage } from './sabotage.js';

class HearsOldKicks extends Vcpu {
  override get kicked(): boolean {
    const kick = this.words.load(this.slot + Slot.Kick);
    return this.online && kick !== 0 && kick !== this.words.load(this.slot + Slot.State);
  }
}

/** Violates GP-3: the report ends the interval between a store and the mark that belongs to it. */
class ReportsWhenItReloads extends Vcpu {
  /** Has no initializer, because the constructor of the base class sets it before field initializers run. */
  private entered: number | undefined;

  protected override loadRoots(): void {
    const state = this.slot + Slot.State;
    // At the begin of an interval the slot holds another number; the same number means a reload within the interval.
    if (this.words.load(state) === this.entered) this.words.store(state, this.words.load(Header.Number));
    super.loadRoots();
    this.entered = this.words.load(state);
  }
}

class ReportsForItsThread extends Vcpu {
  override quiescent(): boolean {
    const ended = super.quiescent();
    for (let i = 0; i < this.arena.geometry.maxReaders; i++) {
      const slot = Slots.first + i * Slots.size;
      if (this.words.load(slot + Slot.Identity) !== this.identity + 1) continue;
      this.words.store(slot + Slot.State, this.words.load(Header.Number));
    }
    return ended;
  }
}

export const reportSabotages = {
  'stale-kick-heard': {
    description: 'a reader that has already reported a later number obeys an old kick',
    vcpu: (setup) => new HearsOldKicks(setup),
    oracles: [],
  },
  'reload-reports': {
    description: 'a reader reports when it reloads the roots in the middle of an interval',
    vcpu: (setup) => new ReportsWhenItReloads(setup),
    oracles: [],
  },
  'report-for-whole-thread': {
    description: 'a reader that reports also reports for all other readers of its thread',
    vcpu: (setup) => new ReportsForItsThread(setup),
    oracles: [],
  },
} as const satisfies Record<string, Sabotage>;
