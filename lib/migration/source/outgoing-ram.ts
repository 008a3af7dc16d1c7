/**
 * The RAM as the destination has been told of it, and how it is brought to what the engine has now.
 *
 * The engine's list is looked at, instead of listened to: a listener hears of a change in a turn of its own, and what
 * decides is the list of the very step in which contents are copied or the end is written. A block that was unplugged
 * and plugged again between two looks, with the same id, at the same place or of another size, is another object, and
 * so one that went and one that came (QEMU's c7c0e724 and relatives). What is discarded of a block is as if it were zero.
 */
import { PageRanges } from '../../dirty/page-ranges.js';
import type { PageSet } from '../../dirty/page-set.js';
import { PageFlags } from '../../machine/page-flags.js';
import type { RamBlock } from '../../ram/ram-block.js';
import type { RamList } from '../../ram/ram-list.js';
import { checkBlockBytes } from '../block-bytes.js';
import type { SourceMachine } from '../machine.js';
import { failureOf } from '../migration-error.js';
import type { Message } from '../wire/message.js';

/** A RAM block that the destination knows, with the size that it knows. */
export class OutgoingBlock {
  readonly block: RamBlock;
  /** In bytes. */
  readonly size: number;
  /** What messages call it. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Parts that the destination has otherwise than all zero. */
  readonly filled: PageFlags;
  /** Parts that were given away or discarded: as if they were zero. */
  readonly skipped: PageFlags;
  /** What was discarded when it was looked at last, in pages of ram_addr space. */
  private discarded = new PageRanges();
  private readonly unit: number;
  private readonly pageSize: number;
  private readonly resizes: number;

  constructor(block: RamBlock, number: number, bytes: Uint8Array, unit: number, pageSize: number) {
    this.block = block;
    this.size = block.size;
    this.resizes = block.resizes;
    this.number = number;
    this.bytes = bytes;
    this.unit = unit;
    this.pageSize = pageSize;
    this.filled = new PageFlags(block.size / unit);
    this.skipped = new PageFlags(block.size / unit);
  }

  /** Has the block had no other size since? One that came back to its size may have other bytes. */
  get hasItsSize(): boolean {
    return this.resizes === this.block.resizes;
  }

  /** Is the byte RAM, and does the destination know? */
  isPopulated(addr: number): boolean {
    const { block, discarded, pageSize } = this;
    const page = Math.floor(addr / pageSize);
    return block.isPopulated(addr - block.offset, 1) && !discarded.meets({ first: page, end: page + 1 });
  }

  /** What is discarded counts as given away from now on. @returns how many pages were discarded before, and are RAM again */
  lookForDiscarded(): number {
    const { block, skipped, unit, pageSize, discarded: before } = this;
    const { range } = block;
    const now = new PageRanges();
    now.add(range);
    for (const { start, length } of block.populatedRuns()) {
      now.remove({ first: start / pageSize, end: (start + length) / pageSize });
    }
    for (const gap of now) {
      if (before.contains(gap)) continue;
      const [from, to] = [gap.first, gap.end].map((page) => (page * pageSize - block.offset) / unit) as [
        number,
        number,
      ];
      for (let index = from; index < to; index++) skipped.raise(index);
    }
    this.discarded = now;
    let stillThere = 0;
    for (const { first, end } of before) {
      for (const part of now.within({ first, end })) stillThere += part.end - part.first;
    }
    return before.pages - stillThere;
  }
}

export class OutgoingRam {
  /** Bytes that are sent, compared and flagged as a whole: a page, or a part of a large one. */
  readonly unit: number;
  private readonly machine: SourceMachine;
  private readonly ram: RamList;
  private readonly known = new Map<RamBlock, OutgoingBlock>();
  private next = 0;
  /** The engine's counter when it was looked at last. */
  private seen = -1;
  /** How often it was brought up to date. */
  changes = 0;
  /** Pages of RAM that has come so far, and is dirty for that. */
  pagesNew = 0;

  constructor(machine: SourceMachine, unit: number) {
    this.machine = machine;
    this.ram = machine.memory.ram;
    this.unit = unit;
  }

  /** Is the destination's RAM another than the engine's? */
  get behind(): boolean {
    return this.ram.changes !== this.seen;
  }

  /**
   * A block of another size is another block to the destination, so that all of it is to be sent again.
   * @param toSend gets the pages of those
   * @returns what the destination must be told, first what went: its place and its name may be another's by now
   * @throws MigrationError, ArenaFullError
   */
  catchUp(toSend: Pick<PageSet, 'add'>): Message[] {
    if (!this.behind) return [];
    this.changes++;
    this.seen = this.ram.changes;
    const messages: Message[] = [];
    const resized = new Set<RamBlock>();
    for (const [block, outgoing] of this.known) {
      if (this.isCurrent(outgoing)) continue;
      if (this.ram.has(block)) resized.add(block);
      this.known.delete(block);
      messages.push({ type: 'unplug', block: outgoing.number });
    }
    const { pageSize } = this.machine.memory;
    for (const block of this.ram) {
      const known = this.known.get(block);
      if (known !== undefined) {
        this.pagesNew += known.lookForDiscarded();
        continue;
      }
      const outgoing = new OutgoingBlock(block, this.next++, this.contentsOf(block), this.unit, pageSize);
      outgoing.lookForDiscarded();
      this.known.set(block, outgoing);
      for (const { start, length } of block.populatedRuns()) {
        this.pagesNew += length / pageSize;
        if (resized.has(block)) toSend.add(start, length);
      }
      const { id, offset, size, maxSize } = block;
      messages.push({ type: 'plug', block: outgoing.number, offset, size, maxSize, id });
    }
    return messages;
  }

  /** Is the block what the destination knows of it? */
  isCurrent({ block, hasItsSize }: OutgoingBlock): boolean {
    return this.ram.has(block) && hasItsSize;
  }

  /**
   * The block that has the address, if the destination knows it and it is not discarded there. Nor was it when it was looked at
   * last: what has been populated since is all dirty, and so will be collected.
   */
  find(addr: number): OutgoingBlock | undefined {
    const block = this.ram.find(addr);
    const known = block && this.known.get(block);
    return known !== undefined && this.isCurrent(known) && known.isPopulated(addr) ? known : undefined;
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
