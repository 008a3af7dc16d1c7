/** A copy of RAM that follows the machine at a pace that can be changed, and remembers when each page was copied. */
import * as layout from '../../../spec/machine/hart/layout.js';
import type { Machine } from '../../../spec/machine/machine.js';
import { Replica } from '../../../spec/machine/replica.js';
import { turn } from '../turn.js';

/** How many harvests the figures are of. */
const REMEMBERED = 512;

export class Follower {
  /** Milliseconds from the call of a harvest to the end of its copy, the latest last. */
  readonly durations: number[] = [];
  /** For each page, by `performance.now()`; 0: never. */
  readonly copiedAt = new Float64Array(layout.PAGES);
  /** How many pages the latest harvest had. */
  pages = 0;
  private readonly replica: Replica;
  private readonly failed: (error: Error) => void;
  private perSecond = 100;
  private done: Promise<void> = Promise.resolve();
  private going = true;
  private wake = (): void => {};

  static async begin(machine: Machine, failed: (error: Error) => void): Promise<Follower> {
    return new Follower(await Replica.begin(machine, 'follower'), failed);
  }

  private constructor(replica: Replica, failed: (error: Error) => void) {
    this.replica = replica;
    this.failed = failed;
    replica.onCopy = (start, length) => {
      const first = start / layout.PAGE_BYTES;
      this.copiedAt.fill(performance.now(), first, first + length / layout.PAGE_BYTES);
      this.pages += length / layout.PAGE_BYTES;
    };
  }

  start(): void {
    this.done = this.follow().catch(this.failed);
  }

  get harvests(): number {
    return this.replica.harvests;
  }

  /** @param perSecond 0: none; Infinity: one after the other */
  setRate(perSecond: number): void {
    this.perSecond = perSecond;
    this.wake();
  }

  /** The pages that the copy does not have as they are. Only while the machine stands still. */
  differing(): number[] {
    return this.replica.differing();
  }

  async stop(): Promise<void> {
    this.going = false;
    this.wake();
    await this.done;
    await this.replica.stop();
  }

  private async follow(): Promise<void> {
    while (this.going) {
      const begun = performance.now();
      if (this.perSecond > 0) {
        this.pages = 0;
        await this.replica.harvest();
        this.durations.push(performance.now() - begun);
        if (this.durations.length > REMEMBERED) this.durations.shift();
      }
      await this.rest(begun + 1000 / this.perSecond - performance.now());
    }
  }

  private rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      if (ms <= 0) void turn().then(resolve);
      else if (Number.isFinite(ms)) setTimeout(resolve, ms);
    });
  }
}
