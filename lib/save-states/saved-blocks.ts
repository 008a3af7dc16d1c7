/** The RAM blocks of a state, and the check whether an engine has the same blocks. */
import { showId } from '../base/printable.js';
import type { Run } from '../dirty/run-iterator.js';
import type { BlockPlace } from '../machine/hooks.js';
import { LONGEST_ID } from '../ram/ram-block.js';
import { malformed, SaveStateError } from './save-state-error.js';

/** A RAM block of a state. */
export interface SavedBlock extends BlockPlace {
  /** The parts of the block that have memory, ascending, in bytes from the block's beginning. Other parts are zero. */
  readonly populated: readonly Run[];
}

/** A block, and its number in the runs of RAM contents. */
export interface NumberedBlock extends SavedBlock {
  /** Unique in the chain: a block that was unplugged and plugged again in the same place has another number. */
  readonly number: number;
}

/** The limit on RAM blocks, so that a chain cannot make a reader store more and more. */
export const MOST_BLOCKS = 4096;

/** How many differences a message names at most. */
const MOST_TOLD = 8;

/** Checks the blocks of one state, which is not trusted. @throws SaveStateError */
export function checkBlocks(blocks: readonly NumberedBlock[], pageSize: number, maxRamBytes: number): void {
  let end = 0;
  let total = 0;
  const ids = new Set<string>();
  const numbers = new Set<number>();
  for (const { number, id, offset, size, maxSize, populated } of blocks) {
    if (id === '' || id.length > LONGEST_ID || ids.has(id)) throw malformed(`${showId(id)} is a wrong or repeated id`);
    if (numbers.has(number)) throw malformed(`two RAM blocks have the number ${number}`);
    const isWhole = [size, maxSize, offset].every((bytes) => bytes % pageSize === 0);
    if (size === 0 || maxSize < size || !isWhole || !Number.isSafeInteger(offset + maxSize)) {
      throw malformed(`${showId(id)} has ${size} bytes of ${maxSize} at ${offset}, with pages of ${pageSize}`);
    }
    if (offset < end) throw malformed(`${showId(id)} overlaps the RAM block before it`);
    checkPopulated(id, size, populated, pageSize);
    end = offset + maxSize;
    total += size;
    if (total > maxRamBytes) throw new SaveStateError('limit', `more RAM than maxRamBytes, ${maxRamBytes} bytes`);
    ids.add(id);
    numbers.add(number);
  }
}

function checkPopulated(id: string, size: number, populated: readonly Run[], pageSize: number): void {
  let end = 0;
  for (const { start, length } of populated) {
    if (start < end || length === 0 || length > size - start || start % pageSize !== 0 || length % pageSize !== 0) {
      throw malformed(`${showId(id)} has memory in ${length} bytes from ${start} on`);
    }
    end = start + length;
  }
}

/** @throws SaveStateError that names what differs, when the engine's RAM is not that of the state */
export function checkSameRam(saved: readonly BlockPlace[], ram: Iterable<BlockPlace>): void {
  const here = new Map([...ram].map((block) => [block.id, block]));
  const differences: string[] = [];
  for (const block of saved) {
    const own = here.get(block.id);
    here.delete(block.id);
    if (own === undefined) differences.push(`${showPlace(block)} is not plugged`);
    else if (own.offset !== block.offset || own.size !== block.size) {
      differences.push(`${showPlace(block)} is ${placeOf(own)} here`);
    }
  }
  for (const block of here.values()) differences.push(`${showPlace(block)} is not in the state`);
  if (differences.length === 0) return;
  const told = differences.slice(0, MOST_TOLD);
  const more = differences.length > told.length ? `; and ${differences.length - told.length} more` : '';
  throw new SaveStateError('mismatch', `the machine's RAM is not the state's: ${told.join('; ')}${more}`);
}

function showPlace(block: BlockPlace): string {
  return `${showId(block.id)}, ${placeOf(block)},`;
}

function placeOf({ offset, size }: BlockPlace): string {
  return `0x${size.toString(16)} bytes at 0x${offset.toString(16)}`;
}
