/**
 * Measures how fast RAM is dirtied (QEMU: calc-dirty-rate). A window borrows the client's bits: it takes them, counts
 * the pages that turn dirty meanwhile, and puts the bits back (dirty/collector.ts), so that nobody else misses a page.
 * Nobody waits for a window either: a call that wants the bits ends the window at once, and another window begins
 * afterwards, until all windows together have lasted as long as the caller asked for.
 *
 * A reader that has marked a page need not mark it again before its interval ends (DM-7: dirty/vcpu.ts), and without a
 * grace period no interval ends. So a window requests a period in the step in which it takes the bits, and the time
 * that counts begins when that period has ended. Let a reader store to a page in that time. The interval of the store
 * began with the period's number or a later one, and so after the bits were taken (GP-1, GP-3). Its mark finds the bit
 * clear, or set by a mark since, and the page is counted. Pages that turn dirty between the taking and the end of the
 * period are counted too, without that time: where a period lasts long, the rate is too high rather than too low. A
 * window that is ended before its period has ended counts nothing.
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
   * Opens a window, which lasts for a grace period and then the rest of the time to measure, or until a collection wants
   * the bits. While a collection runs, waits for its end instead.
   */
  private async measureWindow(): Promise<void> {
    const { rcu, collector, ram } = this.engine;
    const limit = { options: this.options, since: this.since, timeoutError: this.timeoutError };
    const { lock } = this.bitmap;
    let end = (): void => {};
    rcu.checkMayWait(OPERATION);
    if (!lock.tryBorrow(() => end())) return rcu.holdingFor(lock.becomesFree(limit));
    const giveBack = collector.borrow(OPERATION, this.bitmap);
    const cookie = rcu.request(); // in the step of the clear: see the head of this file
    this.blocks ??= new Map([...ram].map((block) => [block, 0]));
    let open = true;
    let began: number | undefined;
    let wake = (): void => {};
    end = () => {
      open = false;
      if (began !== undefined) {
        this.milliseconds += performance.now() - began;
        this.countBlocks();
      }
      giveBack();
      wake();
    };
    // Whatever ends the wait early: the loan ends when `run` gives up its user.
    const waits = !rcu.endsAtOnce(OPERATION, cookie, () => {});
    if (waits) await rcu.waitFor(this.progress, cookie, this.options, this.since); // no `await` unless needed
    if (!open) return;
    began = performance.now();
    await waitForWake(limit, (wakeUp) => {
      wake = wakeUp;
      // The host's timers may fire almost a millisecond early.
      const timer = later(wake, Math.ceil(this.windowMs - this.milliseconds) + 1, true);
      return () => timer.cancel();
    });
    if (open) end();
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

  private get progress(): string {
    return `${OPERATION} (${this.milliseconds.toFixed(0)} of ${this.windowMs} ms measured)`;
  }

  private readonly timeoutError = (ms: number): Error => {
    return new GracePeriodTimeout(this.progress, ms, this.engine.rcu.holdouts());
  };
}

function rateOf(pages: number, seconds: number): PagesDirtied {
  return { pages, pagesPerSecond: pages / seconds };
}
