/**
 * A design with two bitmaps for each vCPU, which marks in one of them with plain loads and stores. To collect, the
 * owner raises its number. Each vCPU changes to its other bitmap when it reports. When all have reported, only the
 * owner uses the bitmaps that they left: it merges and zeroes them. All bitmaps are large enough for the most RAM that
 * there can be, so hotplug does not concern the vCPUs. The cost is two bitmaps for each vCPU, and a collection has to
 * read one of them for each vCPU.
 */
import { type Design, type DesignOwner, type DesignVcpu, mostPages, type Shape, type Ticket } from './design.js';
import { Handshake, HandshakeVcpu } from './handshake.js';
import { TakingOwner } from './owners.js';
import { wordBits } from './word-bits.js';

interface Data {
  readonly bitmaps: Pair;
  readonly handshake: Int32Array;
  readonly vcpu: number;
}

/** The bitmap that is marked in while the number is even, and the one for odd numbers. */
type Pair = readonly [Int32Array, Int32Array];

class Owner extends TakingOwner implements DesignOwner {
  /** Pages that are dirty because the owner plugged them. */
  private readonly own: Int32Array;
  private readonly pairs: readonly Pair[];
  private readonly handshake: Handshake;
  private pages: number;

  constructor(shape: Shape) {
    super(shape);
    const bitmap = () => new Int32Array(new SharedArrayBuffer(mostPages(shape) / 8));
    this.pairs = Array.from({ length: shape.vcpus }, () => [bitmap(), bitmap()] as const);
    this.handshake = new Handshake(shape.vcpus);
    this.own = new Int32Array(mostPages(shape) / 32);
    this.pages = shape.basePages;
    this.own.fill(-1, 0, this.pages / 32);
  }

  ticket(vcpu: number): Ticket {
    const data: Data = { bitmaps: this.pairs[vcpu] as Pair, handshake: this.handshake.words, vcpu };
    return { data, ports: [] };
  }

  async plug(): Promise<void> {
    const first = this.pages;
    this.pages += this.shape.dimmPages;
    this.own.fill(-1, first / 32, this.pages / 32);
  }

  async unplug(): Promise<void> {
    const end = this.pages;
    this.pages -= this.shape.dimmPages;
    const left = await this.leftBitmaps();
    for (const bitmap of left) {
      for (let i = 0; i < this.pages / 32; i++) {
        if (bitmap[i] !== 0) this.own[i] = (this.own[i] as number) | (bitmap[i] as number);
      }
      bitmap.fill(0, 0, end / 32);
    }
    this.own.fill(0, this.pages / 32, end / 32);
    this.set.remove(this.pages, end);
  }

  async harvest(): Promise<number> {
    const left = await this.leftBitmaps();
    return [this.own, ...left].reduce((added, bitmap) => added + this.set.move(bitmap, 0, this.pages / 32, 0), 0);
  }

  /** Makes the vCPUs change to their other bitmaps. @returns the bitmaps that they left */
  private async leftBitmaps(): Promise<Int32Array[]> {
    const number = this.handshake.advance();
    await this.handshake.reported(number);
    return this.pairs.map((pair) => pair[((number - 1) & 1) as 0 | 1]);
  }
}

class PrivateVcpu extends HandshakeVcpu implements DesignVcpu {
  private readonly bitmaps: Pair;
  private bitmap: Int32Array;

  constructor({ bitmaps, handshake, vcpu }: Data) {
    super(handshake, vcpu);
    this.bitmaps = bitmaps;
    this.bitmap = bitmaps[0];
    this.goOnline();
  }

  mark(page: number): void {
    const word = page >>> 5;
    this.bitmap[word] = (this.bitmap[word] as number) | (1 << page);
  }

  markAll(pages: Int32Array, from: number, end: number): void {
    const { bitmap } = this;
    for (let i = from; i < end; i++) {
      const page = pages[i] as number;
      bitmap[page >>> 5] = (bitmap[page >>> 5] as number) | (1 << page);
    }
  }

  markRange(first: number, end: number): void {
    const { bitmap } = this;
    for (let word = first >>> 5; word * 32 < end; word++) {
      bitmap[word] = (bitmap[word] as number) | wordBits(word, first, end);
    }
  }

  goOnline(): void {
    this.slot.report();
    this.bitmap = this.bitmaps[(this.slot.seen & 1) as 0 | 1];
  }
}

export const privateBitmaps: Design = {
  title: 'a private bitmap a vCPU',
  markFirst: true,
  open: (shape) => new Owner(shape),
  attach: (data: Data) => new PrivateVcpu(data),
};
