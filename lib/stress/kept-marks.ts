/**
 * Remembers which pages a vCPU has marked in its interval, as an emulator does that marks a page when it fills an entry
 * of its write-TLB, and stores by that entry without a mark afterwards (DM-7: dirty/vcpu.ts). There are three ways to
 * learn that the interval has ended.
 */
import type { Vcpu } from '../dirty/vcpu.js';

/** By the number of the interval, by what `quiescent` returns, or by a listener. */
export const WAYS_OF_LEARNING = ['number', 'return', 'listener'] as const;
export type WayOfLearning = (typeof WAYS_OF_LEARNING)[number];

export class KeptMarks {
  private readonly vcpu: Vcpu;
  private readonly way: WayOfLearning;
  private readonly pages = new Set<number>();
  private interval: number;

  constructor(vcpu: Vcpu, way: WayOfLearning) {
    this.vcpu = vcpu;
    this.way = way;
    this.interval = vcpu.interval;
    if (way === 'listener') vcpu.onInterval(() => this.pages.clear());
  }

  /** Has the page been marked in this interval, for all clients? */
  has(page: number): boolean {
    this.look();
    return this.pages.has(page);
  }

  /** To be called after a mark for all clients, and before the interval can have ended. */
  add(page: number): void {
    this.look();
    this.pages.add(page);
  }

  /** To be called in place of the vCPU's own `quiescent`. */
  quiescent(): void {
    const ended = this.vcpu.quiescent();
    if (ended && this.way === 'return') this.pages.clear();
  }

  /** To be called after each return from offline, of which `quiescent` tells only later. */
  cameBack(): void {
    if (this.way === 'return') this.pages.clear();
  }

  private look(): void {
    if (this.way !== 'number' || this.vcpu.interval === this.interval) return;
    this.interval = this.vcpu.interval;
    this.pages.clear();
  }
}
