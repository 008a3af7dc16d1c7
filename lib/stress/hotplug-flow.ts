/**
 * Plugs and unplugs DIMMs as fast as the owner's event loop turns. DIMMs have many sizes; they go into any hole, or to
 * given places beside the owner's own RAM. A guest ejects a DIMM before it is unplugged, so the directory drops the
 * DIMM first; vCPUs that read the directory earlier still use it. For a while, the directory tells vCPUs of ranges that
 * have neither RAM nor a bitmap block any more, where marks must be refused. Some DIMMs reach into a bitmap block only
 * with its last page: the block must stay when the other RAM in it goes.
 *
 * Parts of DIMMs are also discarded and populated again, as a balloon does, and DIMMs are resized. A guest gives a part
 * back before it is discarded; the directory then has the longer of the two sides that are left.
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

/** A range of bytes in a DIMM. */
interface Part {
  readonly offset: number;
  readonly length: number;
}

/** A plugged DIMM. */
interface Dimm {
  readonly block: RamBlock;
  /** The part that is discarded, or is being discarded. */
  discarded: Part | undefined;
  /** Whether a part is being discarded, or the DIMM is being made smaller. */
  busy: boolean;
}

export class HotplugFlow {
  private readonly scene: Scene;
  private readonly choices: Choices;
  /** Bytes of RAM that a bitmap block covers. */
  private readonly blockBytes: number;
  private readonly neighbours: readonly RamBlock[];
  /** Plugged DIMMs, by directory slot. */
  private readonly dimms = new Map<number, Dimm>();
  private readonly gone: (RamBlock | undefined)[] = new Array(GONE_SLOTS).fill(undefined);
  /** DIMMs that are being unplugged. */
  private readonly departing = new Map<Promise<void>, RamBlock>();
  /** All operations that wait for readers. */
  private readonly waits = new Set<Promise<void>>();
  private plugged = 0;

  /** @param neighbours blocks that are never unplugged, beside which DIMMs are plugged */
  constructor(scene: Scene, choices: Choices, neighbours: readonly RamBlock[]) {
    this.scene = scene;
    this.choices = choices;
    this.blockBytes = scene.pagesPerBlock * scene.pageSize;
    this.neighbours = neighbours;
  }

  /** Runs until the stop. `finish` then unplugs every DIMM. */
  async run(): Promise<void> {
    while (!this.scene.guest.stopped) {
      for (let i = this.choices.between(1, 4); i > 0; i--) this.step();
      if (this.waits.size >= MOST_DEPARTURES) await Promise.race(this.waits);
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async finish(): Promise<void> {
    for (const slot of [...this.dimms.keys()]) this.unplug(slot);
    await Promise.all(this.waits);
  }

  private step(): void {
    const { choices, dimms } = this;
    if (dimms.size > 0 && choices.oneIn(3)) this.changeOne(choices.pick([...dimms.keys()]));
    else if (dimms.size < choices.between(0, MOST_DIMMS)) this.plug();
    else if (dimms.size > 0) this.unplug(choices.pick([...dimms.keys()]));
    this.storeAsOwner();
  }

  private plug(): void {
    const { offset, size } = this.choosePlace();
    const maxSize = this.choices.oneIn(4) ? 2 * size : size;
    this.withClaimsWithdrawn(() => {
      const block = this.tryPlug({ size, maxSize, ...(offset === undefined ? {} : { offset }) });
      if (block === undefined) return undefined;
      this.checkDirty(block, { offset: 0, length: size }, 'plugged');
      const slot = this.freeSlot();
      this.dimms.set(slot, { block, discarded: undefined, busy: false });
      this.announce(slot);
      return block;
    });
  }

  /**
   * A mark may succeed as soon as RAM exists, so the directory's ranges without RAM are withdrawn first.
   * @param appear makes RAM appear, and returns its block, or undefined when no RAM appeared
   */
  private withClaimsWithdrawn(appear: () => RamBlock | undefined): void {
    for (let i = 0; i < GONE_SLOTS; i++) if (this.gone[i] !== undefined) this.scene.guest.withdraw(DIMM_SLOTS + i);
    const block = appear();
    this.gone.forEach((other, i) => {
      if (other === undefined) return;
      if (block !== undefined && this.sharesBlock(other, block)) this.gone[i] = undefined;
      else this.tellPlace(DIMM_SLOTS + i, other.offset, other.size);
    });
  }

  private checkDirty({ id, offset: start }: RamBlock, { offset, length }: Part, what: string): void {
    const { memory, violations } = this.scene;
    if (memory.allDirty(start + offset, length, this.choices.pick(CLIENTS))) return;
    violations.report('plug', `bytes ${offset} to ${offset + length} of '${id}' were not all dirty when ${what}`);
  }

  /** @returns a free directory slot; there is one, because there are more slots than DIMMs */
  private freeSlot(): number {
    for (let slot = 0; ; slot++) if (!this.dimms.has(slot)) return slot;
  }

  /** Announces the DIMM to the vCPUs: its populated part, or the longer of two populated parts. */
  private announce(slot: number): void {
    const { block, discarded } = this.dimms.get(slot) as Dimm;
    const below = { offset: 0, length: discarded?.offset ?? block.size };
    const reached = discarded === undefined ? block.size : discarded.offset + discarded.length;
    const above = { offset: reached, length: block.size - reached };
    const { offset, length } = below.length >= above.length ? below : above;
    this.tellPlace(slot, block.offset + offset, length);
  }

  private tellPlace(slot: number, offset: number, length: number): void {
    const { guest, pageSize } = this.scene;
    guest.announce(slot, offset / pageSize, length / pageSize);
  }

  private tryPlug(place: { offset?: number; size: number; maxSize: number }): RamBlock | undefined {
    try {
      return this.scene.memory.ram.plug({ id: `dimm${this.plugged++}`, ...place });
    } catch (error) {
      // A given place may be taken, and a large DIMM may find no hole. A full arena is a leak, unless the run pretends
      // that the arena is full.
      if (error instanceof RangeError && (this.scene.faults || !(error instanceof ArenaFullError))) return undefined;
      throw error;
    }
  }

  private choosePlace(): { offset?: number; size: number } {
    const { choices } = this;
    const { pageSize, maxPages } = this.scene;
    if (this.dimms.size > 0 && choices.oneIn(6)) {
      const { block: other } = choices.pick([...this.dimms.values()]);
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
    // Most large bitmap blocks hold some RAM already, so tables would seldom grow or shrink.
    if (this.blockBytes > PAGES_PER_BLOCK * pageSize && choices.oneIn(3)) {
      const blocks = (maxPages * pageSize) / this.blockBytes;
      const offset = choices.between(blocks / 2, blocks - 1) * this.blockBytes;
      return { offset, size: choices.between(1, 63) * pageSize };
    }
    const pages = choices.pick([1, choices.between(1, 63), choices.between(64, 1024), choices.between(1024, 4096)]);
    return { size: Math.min(pages, maxPages) * pageSize };
  }

  /** Discards a part of the DIMM, populates it again, or gives the DIMM another size. */
  private changeOne(slot: number): void {
    const dimm = this.dimms.get(slot) as Dimm;
    const { block, discarded, busy } = dimm;
    if (busy) return;
    if (discarded !== undefined) this.populate(slot, dimm, discarded);
    else if (block.size < block.maxSize && this.choices.oneIn(2)) this.grow(slot, block);
    else if (block.maxSize > block.size || this.choices.oneIn(4)) this.shrink(slot, dimm);
    else this.discard(slot, dimm);
  }

  private discard(slot: number, dimm: Dimm): void {
    const { block } = dimm;
    const part = this.choosePart(block);
    if (part.length === block.size) return; // some RAM must be left to announce to the vCPUs
    this.leave(
      slot,
      dimm,
      'discard',
      () => {
        dimm.discarded = part;
        return block.discard(part.offset, part.length);
      },
      () => {
        dimm.discarded = undefined;
      },
    );
  }

  private shrink(slot: number, dimm: Dimm): void {
    const { block } = dimm;
    const pages = block.size / this.scene.pageSize;
    if (pages === 1) return;
    const size = this.choices.between(1, pages - 1) * this.scene.pageSize;
    this.leave(
      slot,
      dimm,
      'resize',
      () => this.scene.memory.ram.resize(block, size),
      () => {},
    );
  }

  /** Takes a part from a DIMM. The directory drops the part first. */
  private leave(slot: number, dimm: Dimm, oracle: string, begin: () => Promise<void>, undo: () => void): void {
    this.scene.guest.withdraw(slot);
    dimm.busy = true;
    const begun = begin();
    this.announce(slot);
    this.await(
      oracle,
      begun.finally(() => {
        dimm.busy = false;
      }),
      () => {
        undo();
        if (this.dimms.get(slot) !== dimm) return;
        this.scene.guest.withdraw(slot);
        this.announce(slot);
      },
    );
  }

  private populate(slot: number, dimm: Dimm, part: Part): void {
    const { block } = dimm;
    this.withClaimsWithdrawn(() => {
      try {
        block.populate(part.offset, part.length);
      } catch (error) {
        if (isOfFullArena(error, this.scene.faults)) return undefined;
        throw error;
      }
      this.checkDirty(block, part, 'populated');
      dimm.discarded = undefined;
      this.scene.guest.withdraw(slot);
      this.announce(slot);
      return block;
    });
  }

  private grow(slot: number, block: RamBlock): void {
    const before = block.size;
    const { pageSize } = this.scene;
    const size = this.choices.between(before / pageSize + 1, block.maxSize / pageSize) * pageSize;
    this.withClaimsWithdrawn(() => {
      const resized = this.scene.memory.ram.resize(block, size);
      this.await('resize', resized, () => {});
      if (block.size === before) return undefined; // the arena had no room
      this.checkDirty(block, { offset: before, length: size - before }, 'resized');
      this.scene.guest.withdraw(slot);
      this.announce(slot);
      return block;
    });
  }

  private choosePart(block: RamBlock): Part {
    const { pageSize } = this.scene;
    const pages = block.size / pageSize;
    const first = this.choices.between(0, pages - 1);
    const length = this.choices.between(1, pages - first);
    return { offset: first * pageSize, length: length * pageSize };
  }

  private unplug(slot: number): void {
    const dimm = this.dimms.get(slot) as Dimm;
    const { block } = dimm;
    this.dimms.delete(slot);
    this.scene.guest.withdraw(slot);
    const departure = this.await(
      'unplug',
      this.scene.memory.ram.unplug(block).then(() => this.tellGone(block)),
      () => {
        const again = this.freeSlot(); // the unplugging failed, so the DIMM is announced again
        this.dimms.set(again, dimm);
        this.announce(again);
      },
    );
    this.departing.set(departure, block);
    departure.finally(() => this.departing.delete(departure));
  }

  /**
   * Waits for an operation and reports its error.
   * @param undo called when the arena had no room
   * @returns a promise that never rejects
   */
  private await(oracle: string, wait: Promise<void>, undo: () => void): Promise<void> {
    const waited: Promise<void> = wait
      .catch((error: Error) => {
        if (isOfFullArena(error, this.scene.faults)) return undo();
        const finding = asFinding(oracle, error);
        this.scene.violations.report(finding.oracle, finding.detail);
      })
      .finally(() => this.waits.delete(waited));
    this.waits.add(waited);
    return waited;
  }

  /**
   * To be called when the unplugging has ended. Tells the vCPUs that marks in the range must be refused, unless its
   * bitmap blocks hold other RAM, or RAM whose unplugging has not ended.
   */
  private tellGone(block: RamBlock): void {
    for (const other of this.scene.memory.ram) if (this.sharesBlock(other, block)) return;
    for (const other of this.departing.values()) if (other !== block && this.sharesBlock(other, block)) return;
    const slot = this.choices.between(0, GONE_SLOTS - 1);
    this.forgetGone(slot);
    this.gone[slot] = block;
    this.tellPlace(DIMM_SLOTS + slot, block.offset, block.size);
  }

  private forgetGone(slot: number): void {
    if (this.gone[slot] === undefined) return;
    this.gone[slot] = undefined;
    this.scene.guest.withdraw(DIMM_SLOTS + slot);
  }

  /** The owner stores to a page too, and marks it in the same synchronous step. */
  private storeAsOwner(): void {
    const { memory, guest, pageSize, conservation } = this.scene;
    const block = this.choices.pick([...memory.ram]);
    if (this.neighbours.includes(block)) return;
    const { start, length } = this.choices.pick(block.populatedRuns());
    const page = start / pageSize + this.choices.between(0, length / pageSize - 1);
    guest.write(page, this.choices.bits());
    const turned = memory.setDirtyRange(page * pageSize, 1, 7);
    if (block === conservation?.block) conservation.ownerMarked(turned);
  }

  private sharesBlock(a: RamBlock, b: RamBlock): boolean {
    return this.firstBlock(a) <= this.lastBlock(b) && this.firstBlock(b) <= this.lastBlock(a);
  }

  /** @returns the number of the first bitmap block that the RAM reaches into */
  private firstBlock(block: RamBlock): number {
    return Math.floor(block.offset / this.blockBytes);
  }

  private lastBlock(block: RamBlock): number {
    return Math.floor((block.offset + block.maxSize - 1) / this.blockBytes);
  }
}
