/**
 * The RAM as the destination has been told of it, and how it is brought to what the engine has now.
 *
 * The engine's list is looked at, instead of listened to: a listener hears of a change in a turn of its own, and what
 * decides is the list of the very step in which contents are copied or the end is written. A block that was unplugged
 * and plugged again between two looks, with the same id, at the same place or of another size, is another object, and
 * so one that went and one that came (QEMU's c7c0e724 and relatives).
 */

import { PageFlags } from '../../machine/page-flags.js';
import type { RamBlock } from '../../ram/ram-block.js';
import type { RamList } from '../../ram/ram-list.js';
import { checkBlockBytes } from '../block-bytes.js';
import type { SourceMachine } from '../machine.js';
import { failureOf } from '../migration-error.js';
import type { Message } from '../wire/message.js';

/** A RAM block that the destination knows. */
export class OutgoingBlock {
  readonly block: RamBlock;
  /** What messages call it. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Parts that the destination has otherwise than all zero. */
  readonly filled: PageFlags;
  /** Parts that were given away: as if they were zero. */
  readonly skipped: PageFlags;

  constructor(block: RamBlock, number: number, bytes: Uint8Array, unit: number) {
    this.block = block;
    this.number = number;
    this.bytes = bytes;
    this.filled = new PageFlags(block.size / unit);
    this.skipped = new PageFlags(block.size / unit);
  }
}

export class OutgoingRam {
  /** Bytes that are sent, compared and flagged as a whole: a page, or a part of a large one. */
  readonly unit: number;
  private readonly machine: SourceMachine;
  private readonly ram: RamList;
  private readonly known = new Map<RamBlock, OutgoingBlock>();
  private next = 0;
  /** How often it was brought up to date. */
  changes = 0;
  /** Pages of the blocks that the destination was told of so far. */
  pagesToldOf = 0;

  constructor(machine: SourceMachine, unit: number) {
    this.machine = machine;
    this.ram = machine.memory.ram;
    this.unit = unit;
  }

  /** Is the destination's RAM another than the engine's? */
  get behind(): boolean {
    const blocks = [...this.ram];
    return blocks.length !== this.known.size || blocks.some((block) => !this.known.has(block));
  }

  /** @returns what the destination must be told, first what went: its place and its name may be another's by now */
  catchUp(): Message[] {
    if (!this.behind) return [];
    this.changes++;
    const now = new Set(this.ram);
    const messages: Message[] = [];
    for (const [block, { number }] of this.known) {
      if (now.has(block)) continue;
      this.known.delete(block);
      messages.push({ type: 'unplug', block: number });
    }
    for (const block of now) {
      if (this.known.has(block)) continue;
      const outgoing = new OutgoingBlock(block, this.next++, this.contentsOf(block), this.unit);
      this.known.set(block, outgoing);
      this.pagesToldOf += block.range.end - block.range.first;
      const { id, offset, size } = block;
      messages.push({ type: 'plug', block: outgoing.number, offset, size, id });
    }
    return messages;
  }

  /** The block that has the address, if the destination knows it. */
  find(addr: number): OutgoingBlock | undefined {
    const block = this.ram.find(addr);
    return block === undefined ? undefined : this.known.get(block);
  }

  /** Blocks that the destination knows, also those that are gone here and that it has not been told of. */
  [Symbol.iterator](): IterableIterator<OutgoingBlock> {
    return this.known.values();
  }

  private contentsOf(block: RamBlock): Uint8Array {
    let contents: unknown;
    try {
      contents = this.machine.contents(block);
    } catch (error) {
      throw failureOf(error, 'source', 'contents failed');
    }
    return checkBlockBytes('source', `contents('${block.id}')`, contents, block.size);
  }
}
