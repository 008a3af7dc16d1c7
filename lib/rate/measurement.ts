/**
 * Measures how fast RAM is dirtied (QEMU: calc-dirty-rate). A window borrows the client's bits: it takes them, counts
 * the pages that turn dirty meanwhile, and puts the bits back (dirty/collector.ts), so that nobody else misses a page.
 * Nobody waits for a window either: a call that wants the bits ends the window at once, and another window begins
 * afterwards, until all windows together have lasted as long as the caller asked for.
 *
 * Readers themselves count the pages that they turn dirty (rate/reader-rates.ts). The owner reads these counts in a
 * grace period before the first window and in another one after the last window, whatever happens in between.
 *
 * Pages that were dirty before do not count, nor does RAM that was plugged or populated meanwhile, all of which is
 * dirty. A client that nobody tracks is tracked while it is measured.
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

/** How fast one RAM block was dirtied, by readers and by the owner together. */
export interface RamBlockRate extends PagesDirtied {
  readonly id: string;
}

/** The result of `measureDirtyRate`. Its pages are those of all listed RAM blocks together. */
export interface DirtyRate extends PagesDirtied {
  /** How long all windows together lasted. */
  readonly seconds: number;
  /** The RAM blocks that were plugged all the time, in the order of their offsets. */
  readonly blocks: readonly RamBlockRate[];
  /**
   * The readers that were attached when the last window ended, and still were when they had reported. Readers count
   * only for MIGRATION; for other clients the list is empty. A reader's count runs from its last report before the
   * first window, or from its attach, to its first report after the last window, including the time of collections;
   * `seconds` says how long that was. So it has every page that the reader turned dirty in a window, and also the pages
   * that it turned dirty between its reports and the windows.
   */
  readonly readers: readonly ReaderRate[];
}

export interface Ram {
  readonly id: string;
  readonly range: PageRange;
}

const OPERATION = 'measureDirtyRate';

/** The parts of an engine that a measurement uses. */
export interface Measured {
  readonly arena: Arena;
  readonly kernel: Kernel;
  readonly rcu: Rcu;
  readonly collector: Collector;
  readonly users: Users;
  /** The RAM blocks that are plugged now, in the order of their offsets. */
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
  /** The count of each RAM block that was plugged when the first window began and still is. */
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
      if (reports) await reports; // no `await` unless needed: the window then opens within the call
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

  /**
   * Opens a window, which lasts for the rest of the time to measure or until a collection wants the bits. While a
   * collection runs, waits for its end instead.
   */
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
        // The host's timers may fire almost a millisecond early.
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
