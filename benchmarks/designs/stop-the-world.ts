/**
 * A design with one flat SharedArrayBuffer. A mark tests the bit first. To grow, to shrink and to collect, the owner
 * stops all vCPUs at their next quiescent state, does its work alone, and wakes them. Messages carry a new buffer to
 * the vCPUs, which read them with `receiveMessageOnPort`, because their threads do not return to the event loop.
 */
import { setImmediate as immediate } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import type { Design, DesignOwner, DesignVcpu, Shape, Ticket } from './design.js';
import { readNews, TellingOwner } from './owners.js';
import { wordBits } from './word-bits.js';

const LINE = 16;
/** Odd while the world is stopped. */
const STOPS = 0;

interface Data {
  readonly bitmap: Int32Array;
  readonly control: Int32Array;
  /** Index of the word that tells whether this vCPU is running. */
  readonly slot: number;
  readonly port: MessagePort;
}

class Owner extends TellingOwner<Int32Array> implements DesignOwner {
  private readonly control: Int32Array;
  private bitmap: Int32Array;

  constructor(shape: Shape) {
    super(shape);
    this.control = new Int32Array(new SharedArrayBuffer((1 + shape.vcpus) * LINE * 4));
    this.bitmap = bitmapOf(shape.basePages).fill(-1);
  }

  ticket(vcpu: number): Ticket {
    const port = this.openPort();
    const data: Data = { bitmap: this.bitmap, control: this.control, slot: (1 + vcpu) * LINE, port };
    return { data, ports: [port] };
  }

  async plug(): Promise<void> {
    const pages = this.bitmap.length * 32;
    const larger = bitmapOf(pages + this.shape.dimmPages).fill(-1, pages / 32);
    await this.whileStopped(() => this.replace(larger));
  }

  async unplug(): Promise<void> {
    const pages = this.bitmap.length * 32 - this.shape.dimmPages;
    const smaller = bitmapOf(pages);
    await this.whileStopped(() => this.replace(smaller));
    this.set.remove(pages, pages + this.shape.dimmPages);
  }

  async harvest(): Promise<number> {
    return this.whileStopped(() => this.set.move(this.bitmap, 0, this.bitmap.length, 0));
  }

  private replace(bitmap: Int32Array): void {
    bitmap.set(this.bitmap.subarray(0, bitmap.length));
    this.bitmap = bitmap;
    this.tell(bitmap);
  }

  private async whileStopped<T>(step: () => T): Promise<T> {
    Atomics.add(this.control, STOPS, 1);
    for (let vcpu = 0; vcpu < this.shape.vcpus; vcpu++) {
      while (Atomics.load(this.control, (1 + vcpu) * LINE) !== 0) await immediate();
    }
    const result = step();
    Atomics.add(this.control, STOPS, 1);
    Atomics.notify(this.control, STOPS);
    return result;
  }
}

class StoppableVcpu implements DesignVcpu {
  private bitmap: Int32Array;
  private readonly control: Int32Array;
  private readonly slot: number;
  private readonly port: MessagePort;
  private stops = 0;

  constructor({ bitmap, control, slot, port }: Data) {
    this.bitmap = bitmap;
    this.control = control;
    this.slot = slot;
    this.port = port;
    port.unref();
    this.goOnline();
  }

  mark(page: number): void {
    const { bitmap } = this;
    const bit = 1 << page;
    if (((bitmap[page >>> 5] as number) & bit) === 0) Atomics.or(bitmap, page >>> 5, bit);
  }

  markAll(pages: Int32Array, from: number, end: number): void {
    const { bitmap } = this;
    for (let i = from; i < end; i++) {
      const page = pages[i] as number;
      const bit = 1 << page;
      if (((bitmap[page >>> 5] as number) & bit) === 0) Atomics.or(bitmap, page >>> 5, bit);
    }
  }

  markRange(first: number, end: number): void {
    const { bitmap } = this;
    for (let word = first >>> 5; word * 32 < end; word++) {
      const bits = wordBits(word, first, end);
      if (((bitmap[word] as number) & bits) !== bits) Atomics.or(bitmap, word, bits);
    }
  }

  quiescent(): void {
    if (Atomics.load(this.control, STOPS) === this.stops) return;
    this.goOffline();
    this.goOnline();
  }

  goOffline(): void {
    Atomics.store(this.control, this.slot, 0);
  }

  goOnline(): void {
    for (;;) {
      const stops = Atomics.load(this.control, STOPS);
      if ((stops & 1) !== 0) {
        Atomics.wait(this.control, STOPS, stops);
        continue;
      }
      Atomics.store(this.control, this.slot, 1);
      // Retry if the world was stopped between the load and the store: the owner may not have seen that this vCPU runs.
      if (Atomics.load(this.control, STOPS) === stops) {
        this.stops = stops;
        break;
      }
      Atomics.store(this.control, this.slot, 0);
    }
    readNews<Int32Array>(this.port, (bitmap) => {
      this.bitmap = bitmap;
    });
  }

  detach(): void {
    this.goOffline();
    this.port.close();
  }
}

function bitmapOf(pages: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(pages / 8));
}

export const stopTheWorld: Design = {
  title: 'flat buffer, stops the world',
  markFirst: true,
  open: (shape) => new Owner(shape),
  attach: (data: Data) => new StoppableVcpu(data),
};
