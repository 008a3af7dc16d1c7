/**
 * How fast each reader dirties pages while a measurement lasts. A reader's count is right when the reader has just
 * reported, and readers report at different times: each one is therefore counted from a report of its own to another, and
 * its rate is over the time between these two. Whatever it turns dirty in a window of the measurement is counted, since its
 * first report precedes the first window and its second one follows the last.
 *
 * A reader that comes meanwhile is counted from its coming. Nothing tells the owner of it, so the owner looks at the slots
 * every now and then.
 */
import type { Arena } from '../arena/arena.js';
import { later, type Scheduled } from '../base/turns.js';
import type { WaitOptions } from '../base/wait.js';
import type { Rcu } from '../rcu/rcu.js';
import { dirtiedSince, isOfOneTenant, type Reading, readMeter, readMeters } from './readings.js';

/** What turned dirty within a time, in pages. */
export interface PagesDirtied {
  readonly pages: number;
  readonly pagesPerSecond: number;
}

/** How fast one reader dirtied pages. */
export interface ReaderRate extends PagesDirtied {
  readonly identity: number;
  readonly name: string;
  /** How long it was counted: from its first report, or its coming, to its last report. */
  readonly seconds: number;
  /** The limit that is set for it, in pages a second; undefined when there is none. */
  readonly limit: number | undefined;
}

/** A reading, and when it was made, in `performance.now()` milliseconds. */
interface Moment {
  readonly at: number;
  readonly reading: Reading;
}

/** How often a window is divided by looks: to a fraction as small as this, the time of a reader that came in it is known. */
const LOOKS = 64;

export class ReaderRates {
  private readonly arena: Arena;
  private readonly rcu: Rcu;
  private readonly operation: string;
  /** By slot: where the tenant's count begins. */
  private first = new Map<number, Moment>();
  private lookedAt = 0;
  private nextLook: Scheduled | undefined;

  constructor(arena: Arena, rcu: Rcu, operation: string) {
    this.arena = arena;
    this.rcu = rcu;
    this.operation = operation;
  }

  /**
   * @param since when the measurement was asked for
   * @returns resolves when the first window may be opened; undefined when it may be at once
   * @throws (rejects) as the wait options have it; UsageError when the engine is closed meanwhile
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
   * When the last window has ended.
   * @returns the rates of the readers that were attached then, and still are
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

  /** Looks no more. */
  stop(): void {
    this.nextLook?.cancel();
  }

  /**
   * Begins a grace period.
   * @returns its cookie; what to call while it is waited for; and, when it has ended, the readings of all readers by slot,
   *   each made when it was seen that the reader had reported
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

  /** Who has left since is left out, and who has come is in. */
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

  /** A reader that was not there at the last look has come since then, and had turned nothing. */
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
