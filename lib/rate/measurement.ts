/**
 * Measuring how fast RAM is dirtied (QEMU: calc-dirty-rate). A window borrows the client's bits: they are taken, what
 * turns dirty is counted where they were, and they are put back (dirty/collector.ts), so that nobody else misses a page.
 * Nobody waits for a window either: whoever wants the bits ends it, within the call, and another begins afterwards, until
 * all windows have lasted as long as was asked for.
 *
 * Readers count for themselves what they turn (rate/reader-rates.ts). They are read in a grace period before the first
 * window and in one after the last, whatever windows there are in between.
 *
 * What was dirty before, and RAM that was plugged or populated meanwhile and so is all dirty, does not count. A client that nobody tracks
 * is tracked for as long as it is measured.
 */
import type { Arena } from '../arena/arena.js';
import { GracePeriodTimeout } from '../base/errors.js';
import { later } from '../base/turns.js';
import { type WaitOptions, waitForWake } from '../base/wait.js';
import type { Kernel } from '../bitmap/kernel.js';
import { MIGRATION } from '../dirty/client.js';
import type { ClientBitmap } from '../dirty/client-bitmap.js';
import type { Collector } from '../dirty/collector.js';
import { eachBlock, type PageRange } from '../dirty/page-range.js';
import type { Users } from '../dirty/users.js';
import type { Rcu } from '../rcu/rcu.js';
import { type PagesDirtied, type ReaderRate, ReaderRates } from './reader-rates.js';

export type { PagesDirtied, ReaderRate } from './reader-rates.js';

/** How fast one RAM block was dirtied, by whomever. */
export interface RamBlockRate extends PagesDirtied {
  readonly id: string;
}

/** What `measureDirtyRate` found; pages of all the RAM blocks that are listed. */
export interface DirtyRate extends PagesDirtied {
  /** How long was measured: all windows together. */
  readonly seconds: number;
  /** The RAM blocks that were plugged all the time, by place. */
  readonly blocks: readonly RamBlockRate[];
  /**
   * The readers that were attached when the last window ended, and still were when they had reported; none for other
   * clients than MIGRATION, for which they count. Each is counted from its last report before the first window, or its
   * coming, to its first report after the last window, collections included: `seconds` says how long that was. So it has
   * every page that it turned in a window, and those that it turned between its reports and the windows.
   */
  readonly readers: readonly ReaderRate[];
}

export interface Ram {
  readonly id: string;
  readonly range: PageRange;
}

const OPERATION = 'measureDirtyRate';

/** What measuring uses of an engine. */
export interface Measured {
  readonly arena: Arena;
  readonly kernel: Kernel;
  readonly rcu: Rcu;
  readonly collector: Collector;
  readonly users: Users;
  /** Plugged now, by place. */
  readonly ram: Iterable<Ram>;
}

/** One measurement. */
export class DirtyRateMeasurement {
  private readonly engine: Measured;
  private readonly bitmap: ClientBitmap;
  private readonly windowMs: number;
  private readonly options: WaitOptions;
  private readonly since = performance.now();
  private milliseconds = 0;
  /** Of the RAM that was plugged when the first window began, and is. */
  private blocks: Map<Ram, number> | undefined;

  constructor(engine: Measured, bitmap: ClientBitmap, windowMs: number, options: WaitOptions) {
    this.engine = engine;
    this.bitmap = bitmap;
    this.windowMs = windowMs;
    this.options = options;
  }

  /** @throws (rejects) as `DirtyMemory.measureDirtyRate` */
  async run(): Promise<DirtyRate> {
    const { bitmap } = this;
    const { arena, rcu, users } = this.engine;
    rcu.checkMayWait(OPERATION);
    const user = bitmap.tracked ? users.join(bitmap, OPERATION) : await users.track(bitmap, OPERATION, this.options);
    const rates = new ReaderRates(arena, rcu, OPERATION);
    let readers: ReaderRate[] = [];
    try {
      const reports = this.bitmap.client === MIGRATION && rates.begin(this.windowMs, this.options, this.since);
      if (reports) await reports; // not where there is none: the window is opened within the call
      while (this.milliseconds < this.windowMs) await this.measureWindow();
      if (this.bitmap.client === MIGRATION) readers = await rates.end(this.options, this.since);
    } finally {
      rates.stop();
      users.abandon(bitmap, user);
    }
    const seconds = this.milliseconds / 1000;
    const blocks = [...(this.blocks ?? [])].map(([{ id }, pages]) => ({ id, ...rateOf(pages, seconds) }));
    const pages = blocks.reduce((sum, block) => sum + block.pages, 0);
    return { seconds, ...rateOf(pages, seconds), blocks, readers };
  }

  /** Opens a window, which lasts as long as is left to measure, or until somebody collects; or waits while somebody does. */
  private async measureWindow(): Promise<void> {
    const { rcu, collector, ram } = this.engine;
    const limit = { options: this.options, since: this.since, timeoutError: this.timeoutError };
    const { lock } = this.bitmap;
    let end = (): void => {};
    rcu.checkMayWait(OPERATION);
    if (!lock.tryBorrow(() => end())) return rcu.holdingFor(lock.becomesFree(limit));
    const giveBack = collector.borrow(OPERATION, this.bitmap);
    const began = performance.now();
    this.blocks ??= new Map([...ram].map((block) => [block, 0]));
    let open = true;
    try {
      await waitForWake(limit, (wake) => {
        // The host's timers may be early by most of a millisecond.
        const timer = later(wake, Math.ceil(this.windowMs - this.milliseconds) + 1, true);
        end = () => {
          open = false;
          this.milliseconds += performance.now() - began;
          this.countBlocks();
          giveBack();
          wake();
        };
        return () => timer.cancel();
      });
      if (open) end();
    } catch (error) {
      if (open) giveBack();
      throw error;
    }
  }

  private countBlocks(): void {
    const { arena, kernel, ram } = this.engine;
    const plugged = new Set(ram);
    for (const [block, pages] of this.blocks ?? []) {
      if (!plugged.has(block)) {
        this.blocks?.delete(block);
        continue;
      }
      let turned = 0;
      for (const part of this.bitmap.lent?.within(block.range) ?? []) {
        eachBlock(part, arena.geometry.pagesPerBlock, (number, from, to) => {
          turned += kernel.count(this.bitmap.blockAt(number), from, to);
        });
      }
      this.blocks?.set(block, pages + turned);
    }
  }

  private readonly timeoutError = (ms: number): Error => {
    const measured = `${OPERATION} (${this.milliseconds.toFixed(0)} of ${this.windowMs} ms measured)`;
    return new GracePeriodTimeout(measured, ms, this.engine.rcu.holdouts());
  };
}

function rateOf(pages: number, seconds: number): PagesDirtied {
  return { pages, pagesPerSecond: pages / seconds };
}
