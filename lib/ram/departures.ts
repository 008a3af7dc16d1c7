/**
 * RAM that has been removed but whose place may not be used yet. It was unplugged, discarded, or cut off by a smaller
 * size (DM-4, ram/ram-list.ts). When the end of a removal fails, its place stays reserved for ever, since nobody knows
 * the state of its bits.
 */
import { type WaitLimit, waitForWake } from '../base/wait.js';
import { intersect, type PageRange } from '../dirty/page-range.js';
import type { Rcu } from '../rcu/rcu.js';

/** The operations that remove RAM, and the words for them in messages. */
const WORDS = { unplug: 'unplugging', discard: 'discarding', resize: 'resizing' } as const;

export interface Departure {
  readonly operation: keyof typeof WORDS;
  readonly range: PageRange;
  /**
   * Frees what was replaced and clears the range's bits. Called when no reader can hold a table with the removed RAM.
   */
  readonly clean: () => void;
  /** Called after `clean`, when the place is free. */
  readonly end: () => void;
}

export class Departures {
  private readonly rcu: Rcu;
  private readonly leaving = new Set<Departure>();
  private readonly failed = new Set<Departure>();
  private readonly waits = new Set<Promise<void>>();

  constructor(rcu: Rcu) {
    this.rcu = rcu;
  }

  /**
   * Begins in the step of the call; resolves when the place is free.
   * @throws (rejects) what `clean` or `end` has thrown
   */
  async add(departure: Departure): Promise<void> {
    this.leaving.add(departure);
    const wait = this.see(departure);
    this.waits.add(wait);
    await wait.finally(() => this.waits.delete(wait));
  }

  /** Waits for all departures that are under way. @throws (rejects) as `limit` says */
  async settle(limit: WaitLimit): Promise<void> {
    const departed = Promise.allSettled(this.waits);
    await waitForWake(limit, (wake) => {
      departed.then(wake);
      return () => {};
    });
  }

  /** @returns for messages, what keeps the range from being used; undefined when nothing does */
  describe(range: PageRange): string | undefined {
    for (const departure of this.leaving) {
      if (intersect(departure.range, range) === undefined) continue;
      const word = WORDS[departure.operation];
      if (this.failed.has(departure)) return `RAM whose ${word} has failed`;
      return `RAM whose ${word} has not ended${this.describeHoldouts()}; await it`;
    }
    return undefined;
  }

  /** @returns for messages, how much RAM is still being unplugged; empty when there is none */
  describeAll(pageSize: number): string {
    let pages = 0;
    for (const departure of this.leaving) {
      if (departure.operation === 'unplug' && !this.failed.has(departure)) {
        pages += departure.range.end - departure.range.first;
      }
    }
    if (pages === 0) return '';
    return `${pages * pageSize} bytes belong to RAM whose unplugging has not ended${this.describeHoldouts()}: await it`;
  }

  private async see(departure: Departure): Promise<void> {
    let failure: unknown;
    const cookie = this.rcu.defer(() => {
      try {
        departure.clean();
        departure.end();
        this.leaving.delete(departure);
      } catch (error) {
        failure = error;
        this.failed.add(departure);
      }
    });
    await this.rcu.waitFor(departure.operation, cookie, {});
    if (failure !== undefined) throw failure;
  }

  private describeHoldouts(): string {
    const holdouts = this.rcu.describeHoldouts();
    return holdouts && `, ${holdouts}`;
  }
}
