/**
 * The owner's side of a lockstep litmus test. A volley begins with all pages dirty. Then, at the same time, the vCPU
 * stores to each page and marks it, in either order (the mark finds the bit set and writes nothing), and the owner
 * collects and copies all pages. Afterwards, each page's copy must contain the store, or the page must be dirty. Each
 * page of a volley is one round of the store-buffering race. Without the grace period between clear and copy, some
 * rounds lose their store.
 *
 * The race is between the test of a bit and its clear, so the owner aims: it shifts the two threads against each other
 * until the clear falls into the middle of the vCPU's marks. A volley in which it does is called *contested*.
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

/** Clears MIGRATION's dirty pages. Returns a promise if it has to wait. */
export type Collect = (owner: LitmusOwner) => unknown;

export interface Volley {
  /** How many pages lost their store: the copy does not contain it, and the page is clean. */
  readonly lost: number;
  /** Whether the clear came after the vCPU's first mark and before its last. */
  readonly contested: boolean;
}

/** One volley in this many begins with clean pages. Each mark then sets its bit, before or after the clear. */
const CLEAN_ONE_IN = 16;
const BURSTS = [1, 8, VOLLEY_PAGES] as const;
const ALL = VOLLEY_PAGES * PAGE_SIZE;
/** In empty steps of a loop: how far the threads are shifted at most; the next constant is the largest random shift. */
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
  /** How much later than the vCPU the owner begins, in empty steps of a loop. */
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

  /** Runs one volley. @returns undefined when it was stopped */
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
    // Await only a promise: even a turn of the microtask queue is a long time in this race.
    const collected = collect(this);
    if (collected instanceof Promise) await collected;
    // Copy the pages stored to last first: their stores may still be in the store buffer.
    for (let i = start + VOLLEY_PAGES - 1; i >= start; i--) copy[i % VOLLEY_PAGES] = pair.read(i % VOLLEY_PAGES);
    if (!pair.awaitEnd(volley, stopped)) return undefined;
    let lost = 0;
    for (let page = 0; page < VOLLEY_PAGES; page++) {
      // The vCPU has finished the volley, so the cell holds what it stored in this volley.
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

  /** A misuse: harvests as if the vCPU were stopped, though it runs. */
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

  /** A misuse: only the clear of which a harvest is built, with the copy right after it. */
  clear(): void {
    const block = this.engine.bitmapOf(MIGRATION).blockAt(0);
    this.engine.kernel.clearLive(block, 0, VOLLEY_PAGES);
  }

  /** To be called when the vCPU has detached, or is about to. */
  async close(): Promise<void> {
    this.set.dispose();
    await this.memory.close();
  }

  private isDirty(page: number): boolean {
    return this.memory.isDirty((page % VOLLEY_PAGES) * PAGE_SIZE, 1, MIGRATION);
  }

  /**
   * Adjusts the shift. The vCPU notices a harvest's clear by the grace period that begins with the clear. A misuse
   * begins no grace period; there, a page is dirty afterwards if its mark came after the clear.
   * @param cleared whether the clear came before the vCPU's first mark, and whether it came before the last
   * @returns whether the clear came between the two marks
   */
  private aim({ first, last }: { readonly first: boolean; readonly last: boolean }): boolean {
    if (first !== last) return true;
    const step = this.choices.between(0, JITTER);
    this.lag = first ? Math.min(this.lag + step, FARTHEST) : Math.max(this.lag - step, -FARTHEST);
    return false;
  }
}
