/**
 * Plugs and unplugs DIMMs as fast as the owner's thread turns: of all sizes, in any hole or at given places beside the
 * owner's own RAM. A guest ejects a DIMM before it is unplugged, so the directory forgets it first; vCPUs that looked
 * before still use it. Ranges that have no RAM any more, and no bitmap block, are told to the vCPUs for a while. Some DIMMs
 * reach into a bitmap block with one page only, its last: when others go, that block must stay.
 */

import { ArenaFullError } from '../base/errors.js';
import { CLIENTS } from '../dirty/client.js';
import type { RamBlock } from '../ram/ram-block.js';
import { DIMM_SLOTS, GONE_SLOTS } from './guest.js';
import { type Choices, PAGES_PER_BLOCK } from './plan.js';
import { isOfFullArena, type Scene } from './scene.js';
import { asFinding } from './violations.js';

const MOST_DIMMS = 20;
const MOST_DEPARTURES = 4;

export class HotplugFlow {
  private readonly scene: Scene;
  private readonly choices: Choices;
  /** RAM of a bitmap block, in bytes. */
  private readonly blockBytes: number;
  private readonly neighbours: readonly RamBlock[];
  /** By directory slot. */
  private readonly dimms = new Map<number, RamBlock>();
  private readonly gone: (RamBlock | undefined)[] = new Array(GONE_SLOTS).fill(undefined);
  private readonly departing = new Map<Promise<void>, RamBlock>();
  private plugged = 0;

  /** @param neighbours RAM that stays, to plug DIMMs beside */
  constructor(scene: Scene, choices: Choices, neighbours: readonly RamBlock[]) {
    this.scene = scene;
    this.choices = choices;
    this.blockBytes = scene.pagesPerBlock * scene.pageSize;
    this.neighbours = neighbours;
  }

  /** Until the stop; then everything that it plugged is unplugged by `finish`. */
  async run(): Promise<void> {
    while (!this.scene.guest.stopped) {
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
    for (let i = 0; i < GONE_SLOTS; i++) if (this.gone[i] !== undefined) this.scene.guest.withdraw(DIMM_SLOTS + i);
    const block = this.tryPlug(offset, size);
    this.gone.forEach((other, i) => {
      if (other === undefined) return;
      if (block !== undefined && this.sharesBlock(other, block)) this.gone[i] = undefined;
      else
        this.scene.guest.announce(DIMM_SLOTS + i, other.offset / this.scene.pageSize, other.size / this.scene.pageSize);
    });
    if (block === undefined) return;
    if (!this.scene.memory.allDirty(block.offset, block.size, this.choices.pick(CLIENTS))) {
      this.scene.violations.report('plug', `'${block.id}' was not all dirty when it was plugged`);
    }
    this.tellPlugged(this.freeSlot(), block);
  }

  /** There are more slots than DIMMs. */
  private freeSlot(): number {
    for (let slot = 0; ; slot++) if (!this.dimms.has(slot)) return slot;
  }

  private tellPlugged(slot: number, block: RamBlock): void {
    this.dimms.set(slot, block);
    this.scene.guest.announce(slot, block.offset / this.scene.pageSize, block.size / this.scene.pageSize);
  }

  private tryPlug(offset: number | undefined, size: number): RamBlock | undefined {
    try {
      return this.scene.memory.ram.plug({
        id: `dimm${this.plugged++}`,
        size,
        ...(offset === undefined ? {} : { offset }),
      });
    } catch (error) {
      // A given place may be taken, and a large DIMM may find no hole; a full arena would be a leak, unless planted.
      if (error instanceof RangeError && (this.scene.faults || !(error instanceof ArenaFullError))) return undefined;
      throw error;
    }
  }

  private choosePlace(): { offset?: number; size: number } {
    const { choices } = this;
    const { pageSize, maxPages } = this.scene;
    if (this.dimms.size > 0 && choices.oneIn(6)) {
      const other = choices.pick([...this.dimms.values()]);
      const blockEnd = (this.lastBlock(other) + 1) * this.blockBytes;
      const pages = Math.min(choices.between(1, 3), maxPages - blockEnd / pageSize + 1);
      return { offset: blockEnd - pageSize, size: pages * pageSize };
    }
    if (choices.oneIn(3)) {
      const beside = choices.pick(this.neighbours);
      const pages = choices.between(1, 150);
      const after = beside.offset + beside.size;
      const before = beside.offset - pages * pageSize;
      return { offset: choices.oneIn(2) && before >= 0 ? before : after, size: pages * pageSize };
    }
    // Of large bitmap blocks most hold some RAM, and tables would seldom change.
    if (this.blockBytes > PAGES_PER_BLOCK * pageSize && choices.oneIn(3)) {
      const blocks = (maxPages * pageSize) / this.blockBytes;
      const offset = choices.between(blocks / 2, blocks - 1) * this.blockBytes;
      return { offset, size: choices.between(1, 63) * pageSize };
    }
    const pages = choices.pick([1, choices.between(1, 63), choices.between(64, 1024), choices.between(1024, 4096)]);
    return { size: Math.min(pages, maxPages) * pageSize };
  }

  private unplug(slot: number): void {
    const block = this.dimms.get(slot) as RamBlock;
    this.dimms.delete(slot);
    this.scene.guest.withdraw(slot);
    const departure: Promise<void> = this.scene.memory.ram
      .unplug(block)
      .then(() => this.tellGone(block))
      .catch((error: Error) => {
        if (!isOfFullArena(error, this.scene.faults)) {
          const { oracle, detail } = asFinding('unplug', error);
          this.scene.violations.report(oracle, detail);
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
    for (const other of this.scene.memory.ram) if (this.sharesBlock(other, block)) return;
    for (const other of this.departing.values()) if (other !== block && this.sharesBlock(other, block)) return;
    const slot = this.choices.between(0, GONE_SLOTS - 1);
    this.forgetGone(slot);
    this.gone[slot] = block;
    this.scene.guest.announce(DIMM_SLOTS + slot, block.offset / this.scene.pageSize, block.size / this.scene.pageSize);
  }

  private forgetGone(slot: number): void {
    if (this.gone[slot] === undefined) return;
    this.gone[slot] = undefined;
    this.scene.guest.withdraw(DIMM_SLOTS + slot);
  }

  /** The owner stores too: store and mark in one synchronous step. */
  private storeAsOwner(): void {
    const { memory, guest, pageSize, conservation } = this.scene;
    const block = this.choices.pick([...memory.ram]);
    if (this.neighbours.includes(block)) return;
    const page = block.offset / pageSize + this.choices.between(0, block.size / pageSize - 1);
    guest.write(page, this.choices.bits());
    const turned = memory.setDirtyRange(page * pageSize, 1, 7);
    if (block === conservation?.block) conservation.ownerMarked(turned);
  }

  private sharesBlock(a: RamBlock, b: RamBlock): boolean {
    return this.firstBlock(a) <= this.lastBlock(b) && this.firstBlock(b) <= this.lastBlock(a);
  }

  /** Numbers of bitmap blocks. */
  private firstBlock(block: RamBlock): number {
    return Math.floor(block.offset / this.blockBytes);
  }

  private lastBlock(block: RamBlock): number {
    return Math.floor((block.offset + block.size - 1) / this.blockBytes);
  }
}
