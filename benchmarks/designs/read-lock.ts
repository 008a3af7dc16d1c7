/**
 * QEMU's design of 2016: a read lock around every mark, blocks behind a table of pointers, and an atomic or even if the
 * bit is already set. Locking stores the current number to the reader's slot, unlocking stores 0; each is a full
 * barrier. A vCPU must store before it marks. The atomic or then follows the store and is a barrier itself, so a
 * collection waits for nobody; the owner waits only before it frees a table or a block.
 *
 * Tables and blocks lie in one buffer of fixed size, as in dirtymem.
 */
import { setImmediate as immediate } from 'node:timers/promises';
import { type Design, type DesignOwner, type DesignVcpu, mostPages, type Shape, type Ticket } from './design.js';
import { TakingOwner } from './owners.js';
import { wordBits } from './word-bits.js';

const LINE = 16;
const Word = { Number: 0, Root: LINE, firstSlot: 2 * LINE } as const;

interface Data {
  readonly words: Int32Array;
  readonly slot: number;
  readonly pagesPerBlock: number;
}

class Owner extends TakingOwner implements DesignOwner {
  private readonly words: Int32Array;
  private readonly blockWords: number;
  private readonly heap: number;
  /** Word indices of the two tables; the table that is not published is free. */
  private readonly tables: [number, number];
  private readonly freeBlocks: number[];
  private blocks: readonly number[] = [];
  private pages = 0;

  constructor(shape: Shape) {
    super(shape);
    const most = Math.ceil(mostPages(shape) / shape.pagesPerBlock);
    const slots = Word.firstSlot + shape.vcpus * LINE;
    const tableWords = Math.ceil(most / LINE) * LINE;
    this.blockWords = shape.pagesPerBlock / 32;
    this.tables = [slots, slots + tableWords];
    this.heap = slots + 2 * tableWords;
    this.words = new Int32Array(new SharedArrayBuffer((this.heap + most * this.blockWords) * 4));
    this.freeBlocks = Array.from({ length: most }, (_, i) => this.heap + (most - 1 - i) * this.blockWords);
    this.words[Word.Number] = 1;
    this.addPages(shape.basePages);
  }

  ticket(vcpu: number): Ticket {
    const data: Data = {
      words: this.words,
      slot: Word.firstSlot + vcpu * LINE,
      pagesPerBlock: this.shape.pagesPerBlock,
    };
    return { data, ports: [] };
  }

  async plug(): Promise<void> {
    this.addPages(this.shape.dimmPages);
    await this.synchronize();
  }

  async unplug(): Promise<void> {
    const end = this.pages;
    this.pages -= this.shape.dimmPages;
    const kept = Math.ceil(this.pages / this.shape.pagesPerBlock);
    const dropped = this.blocks.slice(kept);
    const cleared = [...this.pieces(this.pages, end)];
    this.publish(this.blocks.slice(0, kept));
    await this.synchronize();
    for (const { at, from, to } of cleared) {
      for (let i = at + from; i < at + to; i++) Atomics.store(this.words, i, 0);
    }
    this.freeBlocks.push(...dropped);
    this.set.remove(this.pages, end);
  }

  async harvest(): Promise<number> {
    let added = 0;
    for (const { at, from, to, first } of this.pieces(0, this.pages)) {
      added += this.set.exchange(this.words, at + from, at + to, first);
    }
    return added;
  }

  private addPages(count: number): void {
    const first = this.pages;
    this.pages += count;
    const needed = Math.ceil(this.pages / this.shape.pagesPerBlock) - this.blocks.length;
    const fresh = Array.from({ length: needed }, () => this.freeBlocks.pop() as number);
    const blocks = [...this.blocks, ...fresh];
    this.blocks = blocks;
    for (const { at, from, to } of this.pieces(first, this.pages)) {
      for (let i = at + from; i < at + to; i++) Atomics.store(this.words, i, -1);
    }
    this.publish(blocks);
  }

  private publish(blocks: readonly number[]): void {
    this.blocks = blocks;
    const [published, table] = this.tables;
    this.words.set(blocks, table);
    Atomics.store(this.words, Word.Root, table);
    this.tables[0] = table;
    this.tables[1] = published;
  }

  /** Waits until every reader that held the read lock has released it. */
  private async synchronize(): Promise<void> {
    const number = Atomics.add(this.words, Word.Number, 1) + 1;
    for (let vcpu = 0; vcpu < this.shape.vcpus; vcpu++) {
      const slot = Word.firstSlot + vcpu * LINE;
      for (;;) {
        const seen = Atomics.load(this.words, slot);
        if (seen === 0 || seen === number) break;
        await immediate();
      }
    }
  }

  /**
   * The words of each block in the range of pages; `first` is the number, within the whole RAM, of the word `at +
   * from`.
   */
  private *pieces(firstPage: number, endPage: number) {
    const end = endPage / 32;
    for (let word = firstPage / 32; word < end; ) {
      const number = Math.floor(word / this.blockWords);
      const from = word - number * this.blockWords;
      const to = Math.min(this.blockWords, from + end - word);
      yield { at: this.blocks[number] as number, from, to, first: word };
      word += to - from;
    }
  }
}

class ReadLockVcpu implements DesignVcpu {
  private readonly words: Int32Array;
  private readonly slot: number;
  private readonly shift: number;
  private readonly mask: number;

  constructor({ words, slot, pagesPerBlock }: Data) {
    this.words = words;
    this.slot = slot;
    this.shift = Math.log2(pagesPerBlock);
    this.mask = pagesPerBlock - 1;
  }

  mark(page: number): void {
    const { words, slot } = this;
    Atomics.store(words, slot, words[Word.Number] as number);
    const block = words[Atomics.load(words, Word.Root) + (page >>> this.shift)] as number;
    Atomics.or(words, block + ((page & this.mask) >>> 5), 1 << page);
    Atomics.store(words, slot, 0);
  }

  markAll(pages: Int32Array, from: number, end: number): void {
    for (let i = from; i < end; i++) this.mark(pages[i] as number);
  }

  /** Takes one lock for the whole range. Words that are set completely need only a store, which cannot lose a bit. */
  markRange(first: number, end: number): void {
    const { words, slot } = this;
    Atomics.store(words, slot, words[Word.Number] as number);
    const table = Atomics.load(words, Word.Root);
    for (let page = first; page < end; ) {
      const base = page - (page & this.mask);
      const to = Math.min(end - base, this.mask + 1);
      const block = words[table + (page >>> this.shift)] as number;
      for (let word = (page - base) >>> 5; word * 32 < to; word++) {
        const bits = wordBits(word, page - base, to);
        if (bits === -1) Atomics.store(words, block + word, -1);
        else Atomics.or(words, block + word, bits);
      }
      page = base + to;
    }
    Atomics.store(words, slot, 0);
  }

  quiescent(): void {}

  goOffline(): void {}

  goOnline(): void {}

  detach(): void {}
}

export const readLock: Design = {
  title: "read lock and or (QEMU's way)",
  markFirst: false,
  open: (shape) => new Owner(shape),
  attach: (data: Data) => new ReadLockVcpu(data),
};
