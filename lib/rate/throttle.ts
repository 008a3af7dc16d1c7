/**
 * The reader's side of the dirty-rate limits: the reader sleeps when its count is ahead of its limit (DL-1:
 * rate/limits.ts).
 *
 * The count and the limits are read plainly. Only this thread writes the count, and it has stored the count in the
 * meter before it is read here. The limit is read after the load of a number (`Reader.report`, `enter`), or after the
 * load of the word to sleep on. If this read returns an outdated limit, the report or the wake-up that follows the
 * change corrects it.
 */
import type { Arena } from '../arena/arena.js';
import { Header, meterOf } from '../arena/layout.js';
import { countOf, limitOf } from '../arena/meter.js';
import type { Words } from '../arena/words.js';
import type { Governor } from '../rcu/reader.js';
import { TokenBucket } from './token-bucket.js';

/** A shorter debt is not worth a sleep, which overshoots by about a tenth of this time. */
const LEAST_SLEEP_MS = 1;

export class Throttle implements Governor {
  private readonly words: Words;
  private readonly meter: number;
  private limit = 0;
  /** Undefined when there is no limit, or the thread must not sleep. */
  private bucket: TokenBucket | undefined;

  /** @param slot the word index of the reader's slot */
  constructor(arena: Arena, slot: number) {
    this.words = arena.words;
    this.meter = meterOf(arena.regions, slot);
  }

  static of(arena: Arena, slot: number): Throttle {
    return new Throttle(arena, slot);
  }

  refresh(): boolean {
    const limit = limitOf(this.words, this.meter);
    if (limit !== this.limit) {
      this.limit = limit;
      const holds = limit !== 0 && this.words.canWait;
      this.bucket = holds ? new TokenBucket(limit, this.dirtied, performance.now()) : undefined;
    }
    return this.bucket !== undefined;
  }

  get isAhead(): boolean {
    const { bucket, dirtied } = this;
    if (bucket === undefined || bucket.covers(dirtied)) return false;
    return bucket.debtMs(dirtied, performance.now()) >= LEAST_SLEEP_MS;
  }

  /** Sleeps until the reader is no longer ahead. The limit may change meanwhile. */
  sleep(): void {
    const { words } = this;
    for (;;) {
      // ORDER DL-1: the word is loaded before the limit (load-load), else the reader sleeps through a change between
      //   the two loads.
      // pairs with: rate/limits.ts announce
      const changes = words.load(Header.LimitChanges);
      this.refresh();
      const left = this.bucket?.debtMs(this.dirtied, performance.now()) ?? 0;
      if (left === 0) return;
      words.wait(Header.LimitChanges, changes, left);
    }
  }

  private get dirtied(): number {
    return countOf(this.words, this.meter);
  }
}
