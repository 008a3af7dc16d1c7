/**
 * The RAM that the destination has been told of, and the messages that bring it up to date with the engine's RAM.
 *
 * This file compares the engine's list instead of listening to it. A listener is called in a later microtask, but what
 * counts is the list in the very step in which contents are copied or the end is written. A block that was unplugged
 * and plugged again between two comparisons, even with the same id and place, is another object, and so is treated as
 * one block that went and one that came (QEMU's c7c0e724 and related commits). Discarded parts of a block are treated
 * as zero.
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

/** A RAM block that the destination has been told of, with the size it was told. */
export class OutgoingBlock {
  readonly block: RamBlock;
  /** In bytes. */
  readonly size: number;
  /** The number of the block in messages. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Parts that are not all zero at the destination. */
  readonly filled: PageFlags;
  /** Parts that were given away or discarded; they are treated as zero. */
  readonly skipped: PageFlags;
  /** The pages that were discarded at the last comparison. */
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

  /** Was the block never resized since? A block that was resized twice may have its old size but other bytes. */
  get hasItsSize(): boolean {
    return this.resizes === this.block.resizes;
  }

  /** Is the byte RAM, and was it already at the last comparison, so that the destination knows? */
  isPopulated(addr: number): boolean {
    const { block, discarded, pageSize } = this;
    const page = Math.floor(addr / pageSize);
    return block.isPopulated(addr - block.offset, 1) && !discarded.meets({ first: page, end: page + 1 });
  }

  /**
   * Treats discarded parts as given away from now on.
   * @returns how many pages were discarded before and are RAM again
   */
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
  /** How many bytes are sent, compared and flagged as a whole: a page, or a part of a large page. */
  readonly unit: number;
  private readonly machine: SourceMachine;
  private readonly ram: RamList;
  private readonly known = new Map<RamBlock, OutgoingBlock>();
  private next = 0;
  /** The value of `ram.changes` at the last comparison. */
  private seen = -1;
  /** How often `catchUp` has found a change. */
  changes = 0;
  /** How many pages of RAM have come so far; they are dirty because they are new. */
  pagesNew = 0;

  constructor(machine: SourceMachine, unit: number) {
    this.machine = machine;
    this.ram = machine.memory.ram;
    this.unit = unit;
  }

  /** Has the engine's RAM changed since the last `catchUp`? */
  get behind(): boolean {
    return this.ram.changes !== this.seen;
  }

  /**
   * Compares with the engine's RAM. A resized block is a new block for the destination, so all of it must be sent
   * again.
   * @param toSend receives the pages of resized blocks
   * @returns the messages for the destination. Those for removed blocks come first, since their ids and places may be
   *   in use again
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

  /** Is the block still plugged, with the size and bytes that the destination knows? */
  isCurrent({ block, hasItsSize }: OutgoingBlock): boolean {
    return this.ram.has(block) && hasItsSize;
  }

  /**
   * The block that contains the address, if the destination knows the block, and the address neither is discarded nor
   * was at the last comparison. RAM that was populated since that comparison is all dirty, and so will be collected.
   */
  find(addr: number): OutgoingBlock | undefined {
    const block = this.ram.find(addr);
    const known = block && this.known.get(block);
    return known !== undefined && this.isCurrent(known) && known.isPopulated(addr) ? known : undefined;
  }

  /** The blocks that the destination knows, including blocks that are gone here, as long as it has not been told so. */
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
