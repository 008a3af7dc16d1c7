/**
 * Measures how fast each reader dirties pages during a measurement. A reader's count is right when the reader has just
 * reported, and readers report at different times. So each reader is counted from one of its reports to another, and
 * its rate is over the time between these two. All pages that the reader turns dirty in a window of the measurement are
 * counted, since the first report precedes the first window and the second report follows the last window.
 *
 * A reader that attaches meanwhile is counted from its attach. Nothing tells the owner of the attach, so the owner
 * looks at the slots at intervals.
 */
import type { Arena } from '../arena/arena.js';
import { later, type Scheduled } from '../base/turns.js';
import type { WaitOptions } from '../base/wait.js';
import type { Rcu } from '../rcu/rcu.js';
import { dirtiedSince, isOfOneTenant, type Reading, readMeter, readMeters } from './readings.js';

/** How many pages turned dirty in some time, and how fast. */
export interface PagesDirtied {
  readonly pages: number;
  readonly pagesPerSecond: number;
}

/** How fast one reader dirtied pages. */
export interface ReaderRate extends PagesDirtied {
  readonly identity: number;
  readonly name: string;
  /** How long the reader was counted: from its first report, or its attach, to its last report. */
  readonly seconds: number;
  /** The reader's dirty-rate limit in pages a second; undefined when it has no limit. */
  readonly limit: number | undefined;
}

/** A reading, and the time when it was made, by `performance.now()`. */
interface Moment {
  readonly at: number;
  readonly reading: Reading;
}

/**
 * How many times the owner looks at the slots during `windowMs`, which bounds the error in a reader's attach time.
 */
const LOOKS = 64;

export class ReaderRates {
  private readonly arena: Arena;
  private readonly rcu: Rcu;
  private readonly operation: string;
  /** Where the count of each slot's tenant begins, by slot. */
  private first = new Map<number, Moment>();
  private lookedAt = 0;
  private nextLook: Scheduled | undefined;

  constructor(arena: Arena, rcu: Rcu, operation: string) {
    this.arena = arena;
    this.rcu = rcu;
    this.operation = operation;
  }

  /**
   * @param since when the measurement was requested, by `performance.now()`
   * @returns a promise that resolves when the first window may be opened; undefined when it may be opened at once
   * @throws (rejects) GracePeriodTimeout or the signal's reason; UsageError when the engine is closed meanwhile
   */
  begin(windowMs: number, options: WaitOptions, since: number): Promise<void> | undefined {
    const { cookie, look, moments } = this.askReaders();
    const begin = (): void => {
      this.first = moments();
      this.lookAgain(Math.max(1, windowMs / LOOKS));
    };
    if (!this.rcu.endsAtOnce(this.operation, cookie, look)) {
      return this.rcu.waitFor(this.operation, cookie, options, since, look).then(begin);
    }
    begin();
    return undefined;
  }

  /**
   * To be called when the last window has ended.
   * @returns the rates of the readers that were attached at that time and still are
   * @throws (rejects) as `begin`
   */
  async end(options: WaitOptions, since: number): Promise<ReaderRate[]> {
    this.stop();
    this.look();
    const { cookie, look, moments } = this.askReaders();
    await this.rcu.waitFor(this.operation, cookie, options, since, look);
    const rates: ReaderRate[] = [];
    for (const { at, reading } of moments().values()) {
      const first = this.first.get(reading.slot);
      if (first === undefined || !isOfOneTenant(first.reading, reading)) continue;
      const seconds = (at - first.at) / 1000;
      const pages = dirtiedSince(first.reading, reading);
      const { identity, name, limit } = reading;
      rates.push({ identity, name, limit: limit || undefined, seconds, pages, pagesPerSecond: pages / seconds });
    }
    return rates;
  }

  /** Stops looking at the slots. */
  stop(): void {
    this.nextLook?.cancel();
  }

  /**
   * Begins a grace period.
   * @returns `cookie` of the period; `look`, to be called while waiting for it; and `moments`, to be called after its
   *   end, which gives the readings of all readers by slot, each made when `look` saw that the reader had reported
   */
  private askReaders() {
    const { arena, rcu, operation } = this;
    rcu.lifecycle.checkNotClosed(operation);
    const cookie = rcu.request();
    const moments = new Map<number, Moment>();
    const look = (): void => {
      const at = performance.now();
      for (let slot = 0; slot < arena.geometry.maxReaders; slot++) {
        if (moments.has(slot) || !rcu.hasReported(slot, cookie)) continue;
        const reading = readMeter(arena, slot);
        if (reading !== undefined) moments.set(slot, { at, reading });
      }
    };
    return { cookie, look, moments: () => this.attachedOf(moments) };
  }

  /** Leaves out readers that have left since, and adds readers that have come since. */
  private attachedOf(moments: ReadonlyMap<number, Moment>): Map<number, Moment> {
    const at = performance.now();
    const attached = new Map<number, Moment>();
    for (const reading of readMeters(this.arena)) {
      const moment = moments.get(reading.slot);
      const known = moment !== undefined && isOfOneTenant(moment.reading, reading);
      attached.set(reading.slot, known ? moment : { at, reading });
    }
    return attached;
  }

  /**
   * Begins the counts of new readers: a reader that was not there at the last look came after it, with no pages turned.
   */
  private look(): void {
    for (const reading of readMeters(this.arena)) {
      const first = this.first.get(reading.slot);
      if (first !== undefined && isOfOneTenant(first.reading, reading)) continue;
      this.first.set(reading.slot, { at: this.lookedAt, reading: { ...reading, dirtied: reading.before } });
    }
    this.lookedAt = performance.now();
  }

  private lookAgain(ms: number): void {
    this.lookedAt = performance.now();
    const look = (): void => {
      this.look();
      this.nextLook = later(look, ms, false);
    };
    this.nextLook = later(look, ms, false);
  }
}
