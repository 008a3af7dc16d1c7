/**
 * Measuring how fast RAM is dirtied (QEMU: calc-dirty-rate). A window borrows the client's bits: they are taken, what
 * turns dirty is counted where they were, and they are put back (dirty/collector.ts), so that nobody else misses a page.
 * Nobody waits for a window either: whoever wants the bits ends it, within the call, and another begins afterwards, until
 * all windows have lasted as long as was asked for.
 *
 * Readers count for themselves what they turn. They are read after a grace period at the beginning and one at the end, whatever
 * windows there are in between.
 *
 * What was dirty before, and RAM that was plugged meanwhile and so is all dirty, does not count. A client that nobody tracks
 * is tracked for as long as it is measured.
 */
import type { Arena } from '../arena/arena.js';
import type { Kernel } from '../bitmap/kernel.js';
import { GracePeriodTimeout } from '../errors.js';
import type { Rcu } from '../rcu/rcu.js';
import { dirtiedSince, type Reading, readMeters } from '../rcu/readings.js';
import { later } from '../rcu/turns.js';
import { type WaitOptions, waitForWake } from '../rcu/wait.js';
import type { BlockTables } from './block-tables.js';
import { Client } from './client.js';
import type { Collector } from './collector.js';
import { eachBlock, type PageRange } from './page-range.js';
import type { Trackings } from './tracking.js';

/** What turned dirty within a time, in pages. */
export interface PagesDirtied {
  readonly pages: number;
  readonly pagesPerSecond: number;
}

/** How fast one RAM block was dirtied, by whomever. */
export interface RamBlockRate extends PagesDirtied {
  readonly id: string;
}

/** How fast one reader dirtied pages. */
export interface ReaderRate extends PagesDirtied {
  readonly identity: number;
  readonly name: string;
  /** The limit that is set for it, in pages a second; undefined when there is none. */
  readonly limit: number | undefined;
}

/** What `measureDirtyRate` found; pages of all the RAM blocks that are listed. */
export interface DirtyRate extends PagesDirtied {
  /** How long was measured: all windows together. */
  readonly seconds: number;
  /** The RAM blocks that were plugged all the time, by place. */
  readonly blocks: readonly RamBlockRate[];
  /**
   * The readers that are attached at the end; none for other clients than MIGRATION, for which they count. They are
   * measured from one report to another, from the beginning to the end, collections included.
   */
  readonly readers: readonly ReaderRate[];
}

export interface Ram {
  readonly id: string;
  readonly range: PageRange;
}

const OPERATION = 'measureDirtyRate';

/** What measuring uses of an engine. */
interface Measured {
  readonly arena: Arena;
  readonly tables: BlockTables;
  readonly kernel: Kernel;
  readonly rcu: Rcu;
  readonly collector: Collector;
  readonly trackings: Trackings;
  /** Plugged now, by place. */
  readonly ram: () => Iterable<Ram>;
}

interface Readings {
  /** In milliseconds. */
  readonly at: number;
  readonly readings: readonly Reading[];
}

/** One measurement. */
export class DirtyRateMeasurement {
  private readonly engine: Measured;
  private readonly client: Client;
  private readonly windowMs: number;
  private readonly options: WaitOptions;
  private readonly since = performance.now();
  private milliseconds = 0;
  /** No window is opened any more: the client may not be tracked, and its blocks be the full block. */
  private over = false;
  /** Of the RAM that was plugged when the first window began, and is. */
  private blocks: Map<Ram, number> | undefined;

  constructor(engine: Measured, client: Client, windowMs: number, options: WaitOptions) {
    this.engine = engine;
    this.client = client;
    this.windowMs = windowMs;
    this.options = options;
  }

  /** @throws (rejects) as `DirtyMemory.measureDirtyRate` */
  async run(): Promise<DirtyRate> {
    const { rcu, trackings } = this.engine;
    rcu.checkMayWait(OPERATION);
    const tracking = trackings.join(this.client) ?? (await trackings.track(this.client, this.options));
    let readers: ReaderRate[] = [];
    try {
      if (this.client === Client.Migration) {
        const [earlier] = await Promise.all([this.readReaders(), this.measureBlocks()]);
        readers = ratesOfReaders(earlier, await this.readReaders());
      } else await this.measureBlocks();
    } finally {
      this.over = true;
      tracking.abandon();
    }
    const seconds = this.milliseconds / 1000;
    const blocks = [...(this.blocks ?? [])].map(([{ id }, pages]) => ({ id, ...rateOf(pages, seconds) }));
    const pages = blocks.reduce((sum, block) => sum + block.pages, 0);
    return { seconds, ...rateOf(pages, seconds), blocks, readers };
  }

  private async measureBlocks(): Promise<void> {
    while (!this.over && this.milliseconds < this.windowMs) await this.measureWindow();
  }

  /** The counts of all readers, each at its report. */
  private async readReaders(): Promise<Readings> {
    const { rcu, arena } = this.engine;
    await rcu.waitFor(OPERATION, rcu.request(), this.options, this.since);
    return { at: performance.now(), readings: readMeters(arena) };
  }

  /** Opens a window, which lasts as long as is left to measure, or until somebody collects; or waits while somebody does. */
  private async measureWindow(): Promise<void> {
    const { rcu, collector, ram } = this.engine;
    const limit = { options: this.options, since: this.since, timeoutError: this.timeoutError };
    const lock = collector.lockOf(this.client);
    let end = (): void => {};
    rcu.checkMayWait(OPERATION);
    if (!lock.tryBorrow(() => end())) return rcu.holdingFor(lock.becomesFree(limit));
    const giveBack = collector.borrow(OPERATION, this.client);
    const began = performance.now();
    this.blocks ??= new Map([...ram()].map((block) => [block, 0]));
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
    const { arena, tables, kernel, ram } = this.engine;
    const plugged = new Set(ram());
    for (const [block, pages] of this.blocks ?? []) {
      if (!plugged.has(block)) {
        this.blocks?.delete(block);
        continue;
      }
      let turned = 0;
      eachBlock(block.range, arena.geometry.pagesPerBlock, (number, from, to) => {
        turned += kernel.count(tables.blockAt(this.client, number), from, to);
      });
      this.blocks?.set(block, pages + turned);
    }
  }

  private readonly timeoutError = (ms: number): Error => {
    const measured = `${OPERATION} (${this.milliseconds.toFixed(0)} of ${this.windowMs} ms measured)`;
    return new GracePeriodTimeout(measured, ms, this.engine.rcu.holdouts());
  };
}

function ratesOfReaders(earlier: Readings, later: Readings): ReaderRate[] {
  const seconds = (later.at - earlier.at) / 1000;
  const before = new Map(earlier.readings.map((reading) => [reading.slot, reading]));
  return later.readings.map((reading) => {
    const { identity, name, slot, limit } = reading;
    return { identity, name, limit: limit || undefined, ...rateOf(dirtiedSince(before.get(slot), reading), seconds) };
  });
}

function rateOf(pages: number, seconds: number): PagesDirtied {
  return { pages, pagesPerSecond: pages / seconds };
}
