/**
 * The least by which an owner can learn that every vCPU has been between two intervals: a number that the owner raises,
 * and for each vCPU a slot with the number that it saw last, or 0 while it is offline. The number and each slot have
 * their own cache lines.
 */
import { setImmediate as immediate } from 'node:timers/promises';

const LINE = 16;
/** The number at the beginning; not 0, which means offline. */
const FIRST = 1;

export class Handshake {
  readonly words: Int32Array;

  constructor(vcpus: number) {
    this.words = new Int32Array(new SharedArrayBuffer((1 + vcpus) * LINE * 4));
    this.words[0] = FIRST;
  }

  /** Asks every vCPU for a report. @returns the new number */
  advance(): number {
    return Atomics.add(this.words, 0, 1) + 1;
  }

  /** Waits until every vCPU has reported the number or is offline. */
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
  /** The number that this vCPU reported last. */
  seen = 0;

  constructor(words: Int32Array, vcpu: number) {
    this.words = words;
    this.at = (1 + vcpu) * LINE;
  }

  /** Whether the owner has asked for a report since the last one. */
  get isAsked(): boolean {
    return Atomics.load(this.words, 0) !== this.seen;
  }

  /** Reports the current number. Everything that the owner did before it raised the number is visible afterwards. */
  report(): void {
    // Repeat if the number was raised meanwhile: the owner may have seen the slot at 0 and not waited for this vCPU.
    do {
      this.seen = Atomics.load(this.words, 0);
      Atomics.store(this.words, this.at, this.seen);
    } while (this.isAsked);
  }

  leave(): void {
    Atomics.store(this.words, this.at, 0);
  }
}

/** A vCPU of a design that uses the handshake. */
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
