/**
 * A design with a SharedArrayBuffer for each bitmap block. Each vCPU has its own array of the buffers. A mark tests the
 * bit first. Messages tell vCPUs of new and dropped blocks; a vCPU reads its messages when the owner has raised its
 * number, or when a mark finds no block. A collection exchanges words one by one and then waits until every vCPU has
 * reported. The garbage collectors of all threads free a dropped block.
 */
import type { MessagePort } from 'node:worker_threads';
import { type Design, type DesignOwner, type DesignVcpu, mostPages, type Shape, type Ticket } from './design.js';
import { Handshake, HandshakeVcpu } from './handshake.js';
import { readNews, TellingOwner } from './owners.js';
import { wordBits } from './word-bits.js';

interface News {
  readonly number: number;
  /** Absent when the block was dropped. */
  readonly block?: Int32Array;
}

interface Data {
  readonly blocks: readonly Int32Array[];
  readonly pagesPerBlock: number;
  readonly handshake: Int32Array;
  readonly vcpu: number;
  readonly port: MessagePort;
}

export class BlockMessagesOwner extends TellingOwner<News> implements DesignOwner {
  readonly handshake: Handshake;
  private readonly blocks: Int32Array[] = [];
  private pages = 0;

  constructor(shape: Shape) {
    if (mostPages(shape) > 2 ** 31) throw new RangeError('block-messages: at most 2^31 pages');
    super(shape);
    this.handshake = new Handshake(shape.vcpus);
    this.addPages(shape.basePages);
  }

  ticket(vcpu: number): Ticket {
    const port = this.openPort();
    const { blocks, handshake, shape } = this;
    const data: Data = {
      blocks: [...blocks],
      pagesPerBlock: shape.pagesPerBlock,
      handshake: handshake.words,
      vcpu,
      port,
    };
    return { data, ports: [port] };
  }

  async plug(): Promise<void> {
    this.addPages(this.shape.dimmPages);
  }

  async unplug(): Promise<void> {
    const end = this.pages;
    this.pages -= this.shape.dimmPages;
    const kept = Math.ceil(this.pages / this.shape.pagesPerBlock);
    while (this.blocks.length > kept) {
      this.blocks.pop();
      this.tell({ number: this.blocks.length });
    }
    await this.handshake.reported(this.handshake.advance());
    for (const { block, from, to } of this.pieces(this.pages, end)) {
      for (let i = from; i < to; i++) Atomics.store(block, i, 0);
    }
    this.set.remove(this.pages, end);
  }

  async harvest(): Promise<number> {
    let added = 0;
    for (const { block, from, to, first } of this.pieces(0, this.pages)) {
      added += this.set.exchange(block, from, to, first);
    }
    await this.handshake.reported(this.handshake.advance());
    return added;
  }

  private addPages(count: number): void {
    const { pagesPerBlock } = this.shape;
    const first = this.pages;
    this.pages += count;
    const fresh: Int32Array[] = [];
    while ((this.blocks.length + fresh.length) * pagesPerBlock < this.pages) {
      fresh.push(new Int32Array(new SharedArrayBuffer(pagesPerBlock / 8)));
    }
    const known = this.blocks.length;
    this.blocks.push(...fresh);
    for (const { block, from, to } of this.pieces(first, this.pages)) {
      for (let i = from; i < to; i++) Atomics.store(block, i, -1);
    }
    fresh.forEach((block, i) => {
      this.tell({ number: known + i, block });
    });
    if (fresh.length > 0) this.handshake.advance();
  }

  /**
   * The words of each existing block in the range of pages; `first` is the number, within the whole RAM, of the word
   * `from`.
   */
  private *pieces(firstPage: number, endPage: number) {
    const blockWords = this.shape.pagesPerBlock / 32;
    const end = endPage / 32;
    for (let word = firstPage / 32; word < end; ) {
      const number = Math.floor(word / blockWords);
      const from = word - number * blockWords;
      const to = Math.min(blockWords, from + end - word);
      const block = this.blocks[number];
      if (block !== undefined) yield { block, from, to, first: word };
      word += to - from;
    }
  }
}

class MessagedVcpu extends HandshakeVcpu implements DesignVcpu {
  private readonly blocks: (Int32Array | undefined)[];
  private readonly port: MessagePort;
  private readonly shift: number;
  private readonly mask: number;

  constructor({ blocks, pagesPerBlock, handshake, vcpu, port }: Data) {
    super(handshake, vcpu);
    this.blocks = [...blocks];
    this.port = port;
    this.shift = Math.log2(pagesPerBlock);
    this.mask = pagesPerBlock - 1;
    port.unref();
    this.goOnline();
  }

  mark(page: number): void {
    const block = this.blocks[page >>> this.shift] ?? this.newBlock(page);
    const word = (page & this.mask) >>> 5;
    const bit = 1 << page;
    if (((block[word] as number) & bit) === 0) Atomics.or(block, word, bit);
  }

  markAll(pages: Int32Array, from: number, end: number): void {
    for (let i = from; i < end; i++) this.mark(pages[i] as number);
  }

  markRange(first: number, end: number): void {
    for (let page = first; page < end; ) {
      const base = page - (page & this.mask);
      const to = Math.min(end - base, this.mask + 1);
      const block = this.blocks[page >>> this.shift] ?? this.newBlock(page);
      for (let word = (page - base) >>> 5; word * 32 < to; word++) {
        const bits = wordBits(word, page - base, to);
        if (((block[word] as number) & bits) !== bits) Atomics.or(block, word, bits);
      }
      page = base + to;
    }
  }

  goOnline(): void {
    this.slot.report();
    this.readNews();
  }

  override detach(): void {
    super.detach();
    this.port.close();
  }

  private newBlock(page: number): Int32Array {
    this.readNews();
    const block = this.blocks[page >>> this.shift];
    if (block === undefined) throw new RangeError(`mark: page ${page} is in no block`);
    return block;
  }

  private readNews(): void {
    readNews<News>(this.port, ({ number, block }) => {
      this.blocks[number] = block;
    });
  }
}

export const blockMessages: Design = {
  title: 'a buffer a block, by message',
  markFirst: true,
  open: (shape) => new BlockMessagesOwner(shape),
  attach: (data: Data) => new MessagedVcpu(data),
};
