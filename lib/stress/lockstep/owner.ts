/**
 * The owner's side of a lockstep litmus. All pages are dirty; then, at the same time, the vCPU stores to each and marks
 * it, in either order (finding its bit set, it writes nothing), and the owner collects and copies. Afterwards each copy
 * has the store, or the page is dirty. Each page of such a volley is a round of the store-buffering race; without the
 * grace period between clear and copy some are lost.
 *
 * The race is between the test of a bit and its clear, so the owner aims: it shifts the two threads against each other
 * until the clear falls into the middle of the vCPU's marks. Volleys of which that is so are *contested*.
 */
import { MIGRATION } from '../../dirty/client.js';
import { type SwapPolicy, shippedSwapPolicy } from '../../dirty/density.js';
import { EVERYTHING } from '../../dirty/page-range.js';
import type { PageSet } from '../../dirty/page-set.js';
import { type DirtyMemory, openEngine } from '../../dirty-memory.js';
import type { Engine } from '../../engine.js';
import type { Parts } from '../../parts.js';
import { Choices } from '../plan.js';
import { delay, PAGE_SIZE, type Pair, VOLLEY_PAGES } from './pair.js';
import type { LitmusVariant } from './variant.js';

/** Clears MIGRATION's dirty pages; a promise when it waits. */
export type Collect = (owner: LitmusOwner) => unknown;

export interface Volley {
  /** How many pages have a store that is neither in the copy nor marked. */
  readonly lost: number;
  /** Whether the clear came after the vCPU's first mark and before its last. */
  readonly contested: boolean;
}

/** Volleys that begin with clean pages: one in so many. A mark then sets its bit, before the clear or after it. */
const CLEAN_ONE_IN = 16;
const BURSTS = [1, 8, VOLLEY_PAGES] as const;
const ALL = VOLLEY_PAGES * PAGE_SIZE;
/** Empty steps of a loop: how far the threads are shifted at most, and by how much at a time and at random. */
const FARTHEST = 20_000;
const JITTER = 100;

export class LitmusOwner {
  readonly memory: DirtyMemory;
  private readonly engine: Engine;
  private readonly pair: Pair;
  private readonly choices: Choices;
  private readonly set: PageSet;
  private readonly copy = new Int32Array(VOLLEY_PAGES);
  private volleys = 0;
  /** How much later than the vCPU the owner begins. */
  private lag = 0;

  constructor(pair: Pair, seed: number, parts: Parts, { collecting, kernel }: LitmusVariant) {
    const always: SwapPolicy = { oneIn: 64, leastWords: 1 };
    this.pair = pair;
    this.choices = new Choices(seed, 3);
    const { engine, memory } = openEngine(
      { pagesPerBlock: VOLLEY_PAGES, maxRamBytes: ALL, maxReaders: 1, kernel },
      { ...parts, swapPolicy: collecting === 'swap' ? always : shippedSwapPolicy },
    );
    this.engine = engine;
    this.memory = memory;
    this.memory.ram.plug({ id: 'litmus', size: ALL });
    this.set = this.memory.createPageSet();
  }

  /** @returns undefined when it was stopped */
  async volley(markFirst: boolean, collect: Collect, stopped: () => boolean): Promise<Volley | undefined> {
    const { memory, pair, choices, copy } = this;
    const volley = ++this.volleys | 0;
    const start = choices.between(0, VOLLEY_PAGES - 1);
    const burst = choices.pick(BURSTS);
    const lag = this.lag + choices.between(-JITTER, JITTER);
    const orders = { markFirst, burst, start, delay: -lag };
    if (!choices.oneIn(CLEAN_ONE_IN)) memory.setDirtyRange(0, ALL, MIGRATION);
    if (!pair.meet(stopped)) return undefined;
    pair.begin(volley, orders);
    delay(lag);
    // A promise is awaited only where there is one: a turn of the microtasks is a long time here.
    const collected = collect(this);
    if (collected instanceof Promise) await collected;
    // The last stores first: they may still be under way.
    for (let i = start + VOLLEY_PAGES - 1; i >= start; i--) copy[i % VOLLEY_PAGES] = pair.read(i % VOLLEY_PAGES);
    if (!pair.awaitEnd(volley, stopped)) return undefined;
    let lost = 0;
    for (let page = 0; page < VOLLEY_PAGES; page++) {
      // The vCPU is between volleys now, so what the cell holds is what it stored in this one.
      if (copy[page] !== pair.read(page) && !this.isDirty(page)) lost++;
    }
    const contested = this.aim(
      collected instanceof Promise
        ? pair.cleared
        : { first: this.isDirty(start + burst - 1), last: this.isDirty(start + VOLLEY_PAGES - burst) },
    );
    this.set.delete(0, ALL);
    return { lost, contested };
  }

  harvest(): Promise<unknown> {
    return this.memory.harvest(MIGRATION, { into: this.set });
  }

  /** Misused: the vCPU runs. */
  harvestUnsynchronized(): void {
    const { engine } = this;
    engine.collector.collectWhileStopped({
      operation: 'harvest',
      bitmap: engine.bitmapOf(MIGRATION),
      user: engine.ownUserOf(MIGRATION),
      range: () => EVERYTHING,
      deliver: (taken) => this.set.absorb(taken),
    });
  }

  /** No collection at all: what a harvest is built on, with the copy hard on its heels. */
  clear(): void {
    const block = this.engine.bitmapOf(MIGRATION).blockAt(0);
    this.engine.kernel.clearLive(block, 0, VOLLEY_PAGES);
  }

  /** The vCPU must have detached, or be about to. */
  async close(): Promise<void> {
    this.set.dispose();
    await this.memory.close();
  }

  private isDirty(page: number): boolean {
    return this.memory.isDirty((page % VOLLEY_PAGES) * PAGE_SIZE, 1, MIGRATION);
  }

  /**
   * The vCPU sees a harvest's clear by the period that begins with it. In a misuse no period begins, and a page is dirty
   * afterwards when its mark came after the clear.
   * @param cleared before the vCPU's first mark, and its last
   * @returns whether the clear came between the two
   */
  private aim({ first, last }: { readonly first: boolean; readonly last: boolean }): boolean {
    if (first !== last) return true;
    const step = this.choices.between(0, JITTER);
    this.lag = first ? Math.min(this.lag + step, FARTHEST) : Math.max(this.lag - step, -FARTHEST);
    return false;
  }
}
