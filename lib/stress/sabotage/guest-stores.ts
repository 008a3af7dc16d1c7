/** Planted bugs of stores to guest RAM: store paths that forget marks, and marks that are kept for too long. */
import type { Vcpu } from '../../dirty/vcpu.js';
import { GuestRam, type GuestRamPart } from '../../guest/guest-ram.js';
import type { Sabotage } from './sabotage.js';

/** Has the bytes of its one part at hand, as a store path that somebody wrote beside the others has. */
class Careless extends GuestRam {
  private readonly start: number;
  private readonly raw: DataView;
  private readonly pageSize: number;

  constructor(vcpu: Vcpu, parts: readonly GuestRamPart[]) {
    super(vcpu, parts);
    const [{ offset, contents }] = parts as [{ offset: number; contents: SharedArrayBuffer }];
    this.start = offset;
    this.raw = new DataView(contents);
    this.pageSize = vcpu.pageSize;
  }

  override store32(addr: number, value: number): void {
    if ((addr % this.pageSize) + 4 <= this.pageSize) {
      super.store32(addr, value);
      return;
    }
    super.store8(addr, value);
    this.raw.setInt32(addr - this.start, value, true);
  }
}

/** Marks a page once, and not again in later intervals. */
class NeverForgets extends GuestRam {
  declare private begun: boolean;

  override begin(): void {
    if (this.begun) return;
    this.begun = true;
    super.begin();
  }

  override end(): void {}
}

export const guestStoreSabotages = {
  'second-page-unmarked': {
    description: 'a store of 32 bits that reaches into a second page marks the first alone',
    ram: (vcpu, parts) => new Careless(vcpu, parts),
    oracles: ['unmarked-store'],
  },
  'marks-kept-past-the-interval': {
    description: 'an interpreter that remembers which pages it has marked does not forget them when its interval ends',
    ram: (vcpu, parts) => new NeverForgets(vcpu, parts),
    oracles: ['unmarked-store', 'lost-update'],
  },
} as const satisfies Record<string, Sabotage>;
