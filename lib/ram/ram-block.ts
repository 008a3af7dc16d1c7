/** A block of guest RAM, such as a DIMM (QEMU: RAMBlock). Made and ended by `RamList`. */
import { wrongType } from '../base/errors.js';
import type { PageRange } from '../dirty/page-range.js';
import type { PageSet } from '../dirty/page-set.js';

/** In UTF-16 units, of a RAM block's id. (QEMU: RAMBlock.idstr.) */
export const LONGEST_ID = 255;

/** A plugged block of guest RAM. After its `unplug` it names nothing; operations refuse it. */
export class RamBlock {
  /** What the constructor made has it: nothing forged has, nor what another copy of this module made. */
  readonly #made = true;
  readonly id: string;
  /** Where it begins in ram_addr space, in bytes. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  /** The migration bits that `syncBitmap` has moved here (QEMU: RAMBlock.bmap). Empty when plugged. */
  readonly pages: PageSet;
  /** @internal The same place in pages. */
  readonly range: PageRange;

  /** @internal */
  constructor(id: string, pageSize: number, range: PageRange, pages: PageSet) {
    this.id = id;
    this.offset = range.first * pageSize;
    this.size = (range.end - range.first) * pageSize;
    this.pages = pages;
    this.range = range;
  }

  /** @internal */
  static is(value: unknown): value is RamBlock {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

/** @throws TypeError for what no engine has plugged */
export function checkRamBlock(operation: string, block: unknown): asserts block is RamBlock {
  if (!RamBlock.is(block)) throw wrongType(operation, 'block', block, 'a RamBlock, as ram.plug and ram.get return it');
}
