/**
 * A reader's side of the dirty-rate limits: it counts for itself, and sleeps when it is ahead (DL-1: rate/limits.ts).
 *
 * The count and the limits are read plainly. The count is this thread's own, and in the meter when it is looked at. A
 * limit is looked up after a number was loaded (`Reader.report`, `enter`) or after the word to sleep on: an older value
 * than the latest is put right by the report, or the wake-up, that follows the change.
 */
import type { Arena } from '../arena/arena.js';
import { Header, meterOf } from '../arena/layout.js';
import { countOf, limitOf } from '../arena/meter.js';
import type { Words } from '../arena/words.js';
import type { Governor } from '../rcu/reader.js';
import { TokenBucket } from './token-bucket.js';

/** A debt that takes less is not worth the sleep, which overshoots by a tenth of that. */
const LEAST_SLEEP_MS = 1;

export class Throttle implements Governor {
  private readonly words: Words;
  private readonly meter: number;
  private limit = 0;
  /** None without a limit, and where the thread must not sleep. */
  private bucket: TokenBucket | undefined;

  /** @param slot word index of the reader's */
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

  /** The limit may change meanwhile. */
  sleep(): void {
    const { words } = this;
    for (;;) {
      // ORDER DL-1: the word is read before the limit (load-load), else a change between the two is slept through.
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
