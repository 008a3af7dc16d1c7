/**
 * The RAM that has arrived. The source is not trusted: its messages may only change blocks that it has plugged, and it
 * may only plug what this end allows. The work for a message is bounded by the bytes of the message, or by bytes of
 * contents that the source has sent before for the same RAM. Long work rests in between, so that the event loop gets
 * its turns.
 */

import { showId } from '../../base/printable.js';
import { LONGEST_ID } from '../../ram/ram-block.js';
import { checkBlockBytes } from '../block-bytes.js';
import { callHook } from '../hook.js';
import type { DestinationMachine } from '../machine.js';
import { breach, MigrationError } from '../migration-error.js';
import type { Link } from '../wire/link.js';
import { MAX_CONTENT, type MessageOf, MOST_UNEQUAL } from '../wire/message.js';
import { IncomingBlock } from './incoming-block.js';

/** The limit on RAM blocks, so that a source cannot make this end store more and more. */
const MOST_BLOCKS = 4096;

/** A digest that differs from the source's. */
export interface DifferingDigest {
  readonly block: IncomingBlock;
  /** Where the digested bytes begin in the block, in bytes. */
  readonly offset: number;
}

export class IncomingRam {
  private readonly machine: DestinationMachine;
  private readonly maxBytes: number;
  private readonly link: Link;
  private readonly blocks = new Map<number, IncomingBlock>();
  private readonly ids = new Set<string>();
  /** The blocks in the order of their offsets. */
  private readonly places: IncomingBlock[] = [];
  /** Are the digests up to date: taken, with no change of RAM since? */
  private digested = false;
  /** The first digests that differ. */
  differing: DifferingDigest[] = [];
  private total = 0;

  constructor(machine: DestinationMachine, maxBytes: number, link: Link) {
    this.machine = machine;
    this.maxBytes = maxBytes;
    this.link = link;
  }

  /** The size of all blocks in bytes. */
  get size(): number {
    return this.total;
  }

  async plug(message: MessageOf<'plug'>): Promise<void> {
    const { block: number, id, offset, size, maxSize } = message;
    const { pageSize } = this.machine;
    if (this.blocks.size === MOST_BLOCKS) throw breach(`more than ${MOST_BLOCKS} RAM blocks`);
    if (this.blocks.has(number)) throw breach(`RAM block ${number} is plugged already`);
    if (id.length > LONGEST_ID) throw breach(`an id of ${id.length} characters; at most ${LONGEST_ID} are allowed`);
    if (id === '' || this.ids.has(id)) throw breach(`${showId(id)} is not a new id`);
    const isWhole = [size, maxSize, offset].every((bytes) => bytes % pageSize === 0);
    if (size === 0 || maxSize < size || !isWhole || !Number.isSafeInteger(offset + maxSize)) {
      throw breach(`${showId(id)} has ${size} bytes of ${maxSize} at ${offset}, with pages of ${pageSize}`);
    }
    const place = this.placeOf(offset);
    for (const other of this.places.slice(Math.max(0, place - 1), place + 1)) {
      if (offset < other.offset + other.maxSize && other.offset < offset + maxSize) {
        throw breach(`${showId(id)} overlaps ${showId(other.id)}`);
      }
    }
    if (this.total + size > this.maxBytes) {
      throw new MigrationError('destination', `more RAM than maxRamBytes, ${this.maxBytes} bytes`);
    }
    const returned = await callHook('destination', 'plug', () => this.machine.plug({ id, offset, size, maxSize }));
    const bytes = checkBlockBytes('destination', `plug(${showId(id)})`, returned, size);
    const block = new IncomingBlock(message, bytes, Math.min(pageSize, MAX_CONTENT));
    this.blocks.set(number, block);
    this.ids.add(id);
    this.places.splice(place, 0, block);
    this.total += size;
  }

  async unplug({ block: number }: MessageOf<'unplug'>): Promise<void> {
    const { id, offset, size } = this.block(number);
    this.blocks.delete(number);
    this.ids.delete(id);
    this.places.splice(this.placeOf(offset), 1);
    this.total -= size;
    await callHook('destination', 'unplug', () => this.machine.unplug(id));
  }

  data({ block, offset, bytes }: MessageOf<'data'>): void {
    this.block(block).put(offset, bytes);
  }

  zero({ block, offset, length }: MessageOf<'zero'>): Promise<void> {
    return this.block(block).empty(offset, length, this.link);
  }

  /** Brings the digests of all blocks up to date. */
  async takeDigests(): Promise<void> {
    this.differing = [];
    for (const block of this.places) await block.takeDigests(this.link);
    this.digested = true;
  }

  compare({ block: number, offset, digests }: MessageOf<'digests'>): void {
    const block = this.block(number);
    if (!this.digested) throw breach(`digests of ${showId(block.id)} that were not asked for`);
    const room = MOST_UNEQUAL - this.differing.length;
    for (const at of block.compare(offset, digests).slice(0, room)) this.differing.push({ block, offset: at });
  }

  /** To be called before contents change: the digests are out of date then, and the comparison no longer counts. */
  reopen(): void {
    this.digested = false;
  }

  /** Has the source sent all digests of the current RAM? */
  get allCompared(): boolean {
    return this.digested && this.places.every(({ isCompared }) => isCompared);
  }

  /** @returns the index in `places` of the first block that begins at the offset or after it */
  private placeOf(offset: number): number {
    let [from, to] = [0, this.places.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.places[middle] as IncomingBlock).offset < offset) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  private block(number: number): IncomingBlock {
    const block = this.blocks.get(number);
    if (block === undefined) throw breach(`RAM block ${number} is not plugged`);
    return block;
  }
}
