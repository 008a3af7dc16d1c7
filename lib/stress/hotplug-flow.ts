/**
 * Plugs and unplugs DIMMs as fast as the owner's thread turns: of all sizes, in any hole or at given places beside the
 * owner's own RAM. A guest ejects a DIMM before it is unplugged, so the directory forgets it first; vCPUs that looked
 * before still use it. Ranges that have no RAM any more, and no bitmap block, are told to the vCPUs for a while.
 */
import { Arena } from '../arena/arena.js';
import type { DirtyMemory } from '../dirty-memory.js';
import { ArenaFullError } from '../errors.js';
import type { RamBlock } from '../ram/ram-block.js';
import { DIMM_SLOTS, GONE_SLOTS, type Guest } from './guest.js';
import { type Choices, MAX_PAGES, PAGES_PER_BLOCK } from './plan.js';
import { asFinding, type Violations } from './violations.js';

const MOST_DIMMS = 20;
const MOST_DEPARTURES = 4;

export class HotplugFlow {
  private readonly memory: DirtyMemory;
  private readonly guest: Guest;
  private readonly choices: Choices;
  private readonly pageSize: number;
  /** RAM of a bitmap block, in bytes. */
  private readonly blockBytes: number;
  private readonly violations: Violations;
  private readonly neighbours: readonly RamBlock[];
  /** Whether the arena may be said to be full. */
  private readonly faults: boolean;
  /** By directory slot. */
  private readonly dimms = new Map<number, RamBlock>();
  private readonly gone: (RamBlock | undefined)[] = new Array(GONE_SLOTS).fill(undefined);
  private readonly departing = new Map<Promise<void>, RamBlock>();
  private plugged = 0;

  /** @param neighbours RAM that stays, to plug DIMMs beside */
  constructor(
    memory: DirtyMemory,
    guest: Guest,
    choices: Choices,
    violations: Violations,
    neighbours: readonly RamBlock[],
    faults: boolean,
  ) {
    this.memory = memory;
    this.guest = guest;
    this.choices = choices;
    const { pageSize, pagesPerBlock } = Arena.attach('stress', memory.handle).geometry;
    this.pageSize = pageSize;
    this.blockBytes = pagesPerBlock * pageSize;
    this.violations = violations;
    this.neighbours = neighbours;
    this.faults = faults;
  }

  /** Until the stop; then everything that it plugged is unplugged by `finish`. */
  async run(): Promise<void> {
    while (!this.guest.stopped) {
      for (let i = this.choices.between(1, 4); i > 0; i--) this.step();
      if (this.departing.size >= MOST_DEPARTURES) await Promise.race(this.departing.keys());
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async finish(): Promise<void> {
    for (const slot of [...this.dimms.keys()]) this.unplug(slot);
    await Promise.all(this.departing.keys());
  }

  private step(): void {
    const wantMore = this.dimms.size < this.choices.between(0, MOST_DIMMS);
    if (wantMore) this.plug();
    else if (this.dimms.size > 0) this.unplug(this.choices.pick([...this.dimms.keys()]));
    this.storeAsOwner();
  }

  private plug(): void {
    const { offset, size } = this.choosePlace();
    // A mark may succeed as soon as RAM is there: take the claim that none is back first.
    for (let i = 0; i < GONE_SLOTS; i++) if (this.gone[i] !== undefined) this.guest.withdraw(DIMM_SLOTS + i);
    const block = this.tryPlug(offset, size);
    this.gone.forEach((other, i) => {
      if (other === undefined) return;
      if (block !== undefined && this.sharesBlock(other, block)) this.gone[i] = undefined;
      else this.guest.announce(DIMM_SLOTS + i, other.offset / this.pageSize, other.size / this.pageSize);
    });
    if (block === undefined) return;
    if (!this.memory.allDirty(block.offset, block.size, this.choices.pick([0, 1, 2] as const))) {
      this.violations.report('plug', `'${block.id}' was not all dirty when it was plugged`);
    }
    this.tellPlugged(this.freeSlot(), block);
  }

  /** There are more slots than DIMMs. */
  private freeSlot(): number {
    for (let slot = 0; ; slot++) if (!this.dimms.has(slot)) return slot;
  }

  private tellPlugged(slot: number, block: RamBlock): void {
    this.dimms.set(slot, block);
    this.guest.announce(slot, block.offset / this.pageSize, block.size / this.pageSize);
  }

  private tryPlug(offset: number | undefined, size: number): RamBlock | undefined {
    try {
      return this.memory.ram.plug({ id: `dimm${this.plugged++}`, size, ...(offset === undefined ? {} : { offset }) });
    } catch (error) {
      // A given place may be taken, and a large DIMM may find no hole; a full arena would be a leak, unless planted.
      if (error instanceof RangeError && (this.faults || !(error instanceof ArenaFullError))) return undefined;
      throw error;
    }
  }

  private choosePlace(): { offset?: number; size: number } {
    const { choices } = this;
    if (choices.oneIn(3)) {
      const beside = choices.pick(this.neighbours);
      const pages = choices.between(1, 150);
      const after = beside.offset + beside.size;
      const before = beside.offset - pages * this.pageSize;
      return { offset: choices.oneIn(2) && before >= 0 ? before : after, size: pages * this.pageSize };
    }
    // Of large bitmap blocks most hold some RAM, and tables would seldom change.
    if (this.blockBytes > PAGES_PER_BLOCK * this.pageSize && choices.oneIn(3)) {
      const blocks = (MAX_PAGES * this.pageSize) / this.blockBytes;
      const offset = choices.between(blocks / 2, blocks - 1) * this.blockBytes;
      return { offset, size: choices.between(1, 63) * this.pageSize };
    }
    const pages = choices.pick([1, choices.between(1, 63), choices.between(64, 1024), choices.between(1024, 4096)]);
    return { size: Math.min(pages, MAX_PAGES) * this.pageSize };
  }

  private unplug(slot: number): void {
    const block = this.dimms.get(slot) as RamBlock;
    this.dimms.delete(slot);
    this.guest.withdraw(slot);
    const departure: Promise<void> = this.memory.ram
      .unplug(block)
      .then(() => this.tellGone(block))
      .catch((error: Error) => {
        if (!this.faults || !(error instanceof ArenaFullError)) {
          const { oracle, detail } = asFinding('unplug', error);
          this.violations.report(oracle, detail);
          return;
        }
        this.tellPlugged(this.freeSlot(), block); // as before
      })
      .finally(() => this.departing.delete(departure));
    this.departing.set(departure, block);
  }

  /**
   * The unplugging has ended: marks there must be refused, if no RAM came into its bitmap blocks since, and none is on its
   * way out of them, whose grace period has not ended.
   */
  private tellGone(block: RamBlock): void {
    for (const other of this.memory.ram) if (this.sharesBlock(other, block)) return;
    for (const other of this.departing.values()) if (other !== block && this.sharesBlock(other, block)) return;
    const slot = this.choices.between(0, GONE_SLOTS - 1);
    this.forgetGone(slot);
    this.gone[slot] = block;
    this.guest.announce(DIMM_SLOTS + slot, block.offset / this.pageSize, block.size / this.pageSize);
  }

  private forgetGone(slot: number): void {
    if (this.gone[slot] === undefined) return;
    this.gone[slot] = undefined;
    this.guest.withdraw(DIMM_SLOTS + slot);
  }

  /** The owner stores too: store and mark in one synchronous step. */
  private storeAsOwner(): void {
    const block = this.choices.pick([...this.memory.ram]);
    if (this.neighbours.includes(block)) return;
    const page = block.offset / this.pageSize + this.choices.between(0, block.size / this.pageSize - 1);
    this.guest.write(page, this.choices.bits());
    this.memory.setDirtyRange(page * this.pageSize, 1, 7);
  }

  private sharesBlock(a: RamBlock, b: RamBlock): boolean {
    const first = (block: RamBlock): number => Math.floor(block.offset / this.blockBytes);
    const last = (block: RamBlock): number => Math.floor((block.offset + block.size - 1) / this.blockBytes);
    return first(a) <= last(b) && first(b) <= last(a);
  }
}
