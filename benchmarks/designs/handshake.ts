/**
 * A number that the owner raises, and a slot a vCPU with the number it saw last, or 0 while it is offline: the least that
 * lets an owner know that every vCPU has passed between two stores. Each on a cache line of its own.
 */
import { setImmediate as immediate } from 'node:timers/promises';

const LINE = 16;
/** Before the first; 0 means offline. */
const FIRST = 1;

export class Handshake {
  readonly words: Int32Array;

  constructor(vcpus: number) {
    this.words = new Int32Array(new SharedArrayBuffer((1 + vcpus) * LINE * 4));
    this.words[0] = FIRST;
  }

  /** Asks for a report of everyone. @returns the new number */
  advance(): number {
    return Atomics.add(this.words, 0, 1) + 1;
  }

  /** Until every vCPU has reported the number or is offline. */
  async reported(number: number): Promise<void> {
    while (!this.allReported(number)) await immediate();
  }

  private allReported(number: number): boolean {
    for (let at = LINE; at < this.words.length; at += LINE) {
      const seen = Atomics.load(this.words, at);
      if (seen !== 0 && seen !== number) return false;
    }
    return true;
  }
}

export class HandshakeSlot {
  readonly words: Int32Array;
  private readonly at: number;
  /** The number last reported. */
  seen = 0;

  constructor(words: Int32Array, vcpu: number) {
    this.words = words;
    this.at = (1 + vcpu) * LINE;
  }

  /** Has the owner asked since? */
  get isAsked(): boolean {
    return Atomics.load(this.words, 0) !== this.seen;
  }

  /** Reports the number of now. What the owner did before it raised it is visible afterwards. */
  report(): void {
    // Twice where the number was raised meanwhile: a slot that comes from 0 with an old number was perhaps not waited for.
    do {
      this.seen = Atomics.load(this.words, 0);
      Atomics.store(this.words, this.at, this.seen);
    } while (this.isAsked);
  }

  leave(): void {
    Atomics.store(this.words, this.at, 0);
  }
}

/** A design's vCPU that has a slot. */
export abstract class HandshakeVcpu {
  protected readonly slot: HandshakeSlot;

  constructor(words: Int32Array, vcpu: number) {
    this.slot = new HandshakeSlot(words, vcpu);
  }

  abstract goOnline(): void;

  quiescent(): void {
    if (this.slot.isAsked) this.goOnline();
  }

  goOffline(): void {
    this.slot.leave();
  }

  detach(): void {
    this.slot.leave();
  }
}
