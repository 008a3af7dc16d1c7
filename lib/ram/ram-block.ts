/** A block of guest RAM, such as a DIMM (QEMU: RAMBlock). `RamList` plugs and unplugs it. */
import { wrongType } from '../base/errors.js';
import { INSPECT, type Inspect, inspection } from '../base/inspection.js';
import { sendOffsetAndSizeInsteadOfTheRamBlock } from '../base/stays-here.js';
import { intersect, type PageRange } from '../dirty/page-range.js';
import { PageRanges } from '../dirty/page-ranges.js';
import type { PageSet } from '../dirty/page-set.js';
import type { RunWithin } from '../dirty/run-iterator.js';

/** The longest allowed id of a RAM block, in UTF-16 units (QEMU: RAMBlock.idstr). */
export const LONGEST_ID = 255;

/** What a block needs from the list that contains it. */
interface Pieces {
  discard(block: RamBlock, offset: number, length: number): Promise<void>;
  populate(block: RamBlock, offset: number, length: number): void;
  isPopulated(block: RamBlock, offset: number, length: number): boolean;
  populatedRuns(block: RamBlock): RunWithin[];
}

/** What the constructor of `RamBlock` needs. Sizes are in bytes. */
export interface RamBlockSetup {
  readonly id: string;
  readonly pageSize: number;
  /** The block's first page. */
  readonly first: number;
  readonly size: number;
  readonly maxSize: number;
  readonly pages: PageSet;
  readonly pieces: Pieces;
}

/** A plugged block of guest RAM. After its `unplug` all operations refuse it. */
export class RamBlock {
  /** @internal */
  readonly staysHere = sendOffsetAndSizeInsteadOfTheRamBlock;
  /** Only objects that this constructor made have this field. Forged ones and those of another module copy lack it. */
  readonly #made = true;
  readonly id: string;
  /** Where the block begins in ram_addr space, in bytes. */
  readonly offset: number;
  /**
   * The largest size in bytes that `ram.resize` may give the block; this room is reserved. (QEMU: RAMBlock.max_length.)
   */
  readonly maxSize: number;
  /**
   * The migration bits that `syncBitmap` has moved here (QEMU: RAMBlock.bmap). Empty when plugged; parts that are
   * discarded or cut off leave it.
   */
  readonly pages: PageSet;
  /** @internal The discarded pages that may be populated again. */
  readonly discarded = new PageRanges();
  /** @internal How often the block was given another size. */
  resizes = 0;
  /** @internal True while what a smaller size has cut off may still be in use. */
  shrinking = false;
  private readonly pageSize: number;
  private readonly pieces: Pieces;
  private bytes: number;

  /** @internal */
  constructor({ id, pageSize, first, size, maxSize, pages, pieces }: RamBlockSetup) {
    this.id = id;
    this.pageSize = pageSize;
    this.offset = first * pageSize;
    this.bytes = size;
    this.maxSize = maxSize;
    this.pages = pages;
    this.pieces = pieces;
  }

  /** @internal */
  static is(value: unknown): value is RamBlock {
    return typeof value === 'object' && value !== null && #made in value;
  }

  /** The size of the block in bytes (QEMU: RAMBlock.used_length). */
  get size(): number {
    return this.bytes;
  }

  /**
   * Gives a part of the block back to the host, as a balloon or virtio-mem does (QEMU: RamDiscardManager). The
   * part is no longer RAM until it is populated: from the call on no collection, query or user's dirty set has it, and
   * a mark there is like a mark outside RAM, which is refused or recorded for nobody. Resolves after a grace period,
   * when the part may be populated again, and bitmap blocks that were discarded completely are free. `unplug` and
   * `resize` need not wait for that. The engine does not touch the part's bytes: free or clear them when this has
   * resolved, since vCPUs may store there until then.
   * @param offset from the beginning of the block, in bytes. @param length in bytes. Both are multiples of the page
   *   size
   * @throws (rejects) TypeError; RangeError when not all of it is populated, or the block is not plugged; UsageError
   *   inside a read-side section of this thread; ArenaFullError, since dropping bitmap blocks needs new tables; with
   *   nothing changed
   */
  async discard(offset: number, length: number): Promise<void> {
    await this.pieces.discard(this, offset, length);
  }

  /**
   * Makes a discarded part of the block RAM again, all dirty for every user, within the call. Like `ram.plug`, it never
   * waits for readers. The part's bytes must be there before the call, and count as new contents whatever they are.
   * @param offset from the beginning of the block, in bytes. @param length in bytes. Both are multiples of the page
   *   size
   * @throws TypeError; RangeError when not all of it is discarded, its discarding has not ended, or the block is not
   *   plugged; ArenaFullError; with nothing changed
   */
  populate(offset: number, length: number): void {
    this.pieces.populate(this, offset, length);
  }

  /**
   * Is every byte of the part populated? True for zero length.
   * @param offset from the beginning of the block, in bytes. @param length in bytes
   * @throws TypeError, RangeError, also when the block is not plugged
   */
  isPopulated(offset: number, length: number): boolean {
    return this.pieces.isPopulated(this, offset, length);
  }

  /**
   * The populated parts of the block, in ascending order, with neighbours merged. The list is empty when all of the
   * block is discarded.
   * @throws RangeError when the block is not plugged
   */
  populatedRuns(): RunWithin[] {
    return this.pieces.populatedRuns(this);
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    const { id, offset, size, maxSize } = this;
    return inspection('RamBlock', { id, offset, size, maxSize }, options, inspect);
  }

  /** @internal The pages of the block at its current size. */
  get range(): PageRange {
    return this.rangeOf(0, this.bytes);
  }

  /** @internal The pages of the block at its `maxSize`. */
  get place(): PageRange {
    return this.rangeOf(0, this.maxSize);
  }

  /** @internal The pages of ram_addr space that contain these bytes of the block. */
  rangeOf(offset: number, length: number): PageRange {
    const { pageSize } = this;
    return { first: (this.offset + offset) / pageSize, end: (this.offset + offset + length) / pageSize };
  }

  /** @internal */
  setSize(size: number): void {
    this.bytes = size;
    this.resizes++;
    this.discarded.remove({ first: this.range.end, end: this.place.end });
  }

  /** @internal Drops pages that are no longer RAM from `pages`. */
  forgetSynced(range: PageRange): void {
    if (!this.pages.disposed) this.pages.remove(range);
  }

  /** @internal The part may be populated from now on, as far as the block still has it. */
  addDiscarded(range: PageRange): void {
    const part = intersect(range, this.range);
    if (part !== undefined) this.discarded.add(part);
  }
}

/** @throws TypeError when the value is not a `RamBlock` that an engine has plugged */
export function checkRamBlock(operation: string, block: unknown): asserts block is RamBlock {
  if (!RamBlock.is(block)) throw wrongType(operation, 'block', block, 'a RamBlock, as ram.plug and ram.get return it');
}
