/** Readers that report for more than themselves, or that report, or are asked to, when nothing is to be reported. */
import { Header, Slot, Slots } from '../../arena/layout.js';
import { Vcpu } from '../../dirty/vcpu.js';
import type { Sabotage } from './sabotage.js';

class HearsOldKicks extends Vcpu {
  override get kicked(): boolean {
    const kick = this.words.load(this.slot + Slot.Kick);
    return this.online && kick !== 0 && kick !== this.words.load(this.slot + Slot.State);
  }
}

/** GP-3: a report ends the interval, in which a store may stand whose mark is still to come, or was before. */
class ReportsWhenItReloads extends Vcpu {
  /** Not initialized: it is set before fields are. */
  private entered: number | undefined;

  protected override loadRoots(): void {
    const state = this.slot + Slot.State;
    // Whoever begins an interval has stored another number.
    if (this.words.load(state) === this.entered) this.words.store(state, this.words.load(Header.Number));
    super.loadRoots();
    this.entered = this.words.load(state);
  }
}

class ReportsForItsThread extends Vcpu {
  override quiescent(): void {
    super.quiescent();
    for (let i = 0; i < this.arena.geometry.maxReaders; i++) {
      const slot = Slots.first + i * Slots.size;
      if (this.words.load(slot + Slot.Identity) !== this.identity + 1) continue;
      this.words.store(slot + Slot.State, this.words.load(Header.Number));
    }
  }
}

export const reportSabotages = {
  'stale-kick-heard': {
    description: 'a reader that has reported a later number takes an old kick for a new one',
    vcpu: (setup) => new HearsOldKicks(setup),
    oracles: [],
  },
  'reload-reports': {
    description: 'a reader that reloads the roots in mid-interval reports',
    vcpu: (setup) => new ReportsWhenItReloads(setup),
    oracles: [],
  },
  'report-for-whole-thread': {
    description: 'a reader that reports does so for all readers of its thread',
    vcpu: (setup) => new ReportsForItsThread(setup),
    oracles: [],
  },
} as const satisfies Record<string, Sabotage>;
