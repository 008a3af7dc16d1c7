/**
 * Memory that the two threads of a lockstep litmus test share, apart from the engine: the number of the current volley,
 * the vCPU's orders for it, and the guest's RAM, one cell for each page. Each cell has its own cache line: a store to
 * it waits in the store buffer for the line, which the owner's last copy took away, while the test of the mark's bit
 * runs ahead of the store.
 */
import { Words } from '../../arena/words.js';

/** Pages of a volley: about as many as a store buffer holds stores, and as the smallest bitmap block has pages. */
export const VOLLEY_PAGES = 64;
export const PAGE_SIZE = 4096;

const LINE = 16;
const BEGUN = 0;
const ORDERS = 1;
const DONE = LINE;
const CLEARED = LINE + 1;
const BEATS = 2 * LINE;
const CALLS = 3 * LINE;
const CELLS = 4 * LINE;
const WORDS = CELLS + VOLLEY_PAGES * LINE;

/**
 * After this many spins a thread yields its core. The next constant is how many the owner waits for the vCPU to wake.
 */
export const SPINS = 2_000;
const WAKE_SPINS = 20_000;

/** The vCPU's orders for a volley. The whole volley lies in one interval. */
export interface VolleyOrders {
  readonly markFirst: boolean;
  /** How many pages are stored to and then marked, or the reverse, at a time. */
  readonly burst: number;
  /** The first page; the vCPU goes on from there once around all pages. */
  readonly start: number;
  /** Empty steps of a loop to wait before the first page. */
  readonly delay: number;
}

export class Pair {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Words;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4)) {
    this.buffer = buffer;
    this.words = new Words(buffer, 0, WORDS);
  }

  /** Plain, as a guest's RAM is. */
  read(page: number): number {
    return this.words.get(CELLS + page * LINE);
  }

  /** Plain, as a guest's RAM is. */
  write(page: number, value: number): void {
    this.words.set(CELLS + page * LINE, value);
  }

  /**
   * To be called by the owner. Waits until the vCPU spins, because the two race only while both have a core.
   * @returns false when stopped
   */
  meet(stopped: () => boolean): boolean {
    const { words } = this;
    while (!stopped()) {
      if (this.seesBeat(SPINS)) return true;
      words.add(CALLS, 1);
      words.notify(CALLS);
      if (this.seesBeat(WAKE_SPINS)) return true;
      words.wait(DONE, words.load(DONE), 1);
    }
    return false;
  }

  private seesBeat(spins: number): boolean {
    const beats = this.words.load(BEATS);
    for (let spin = 0; spin < spins; spin++) if (this.words.load(BEATS) !== beats) return true;
    return false;
  }

  /** To be called by the owner. Starts the vCPU's part of the volley. */
  begin(volley: number, { markFirst, burst, start, delay }: VolleyOrders): void {
    this.words.set(ORDERS, markFirst ? 1 : 0);
    this.words.set(ORDERS + 1, burst);
    this.words.set(ORDERS + 2, start);
    this.words.set(ORDERS + 3, delay);
    this.words.store(BEGUN, volley);
  }

  /** To be called by the vCPU. Shows that the vCPU is spinning. @returns whether the volley has begun */
  hasBegun(volley: number): boolean {
    this.words.add(BEATS, 1);
    return this.words.load(BEGUN) === volley;
  }

  /**
   * To be called by the vCPU. Sleeps until the owner wakes it: even on a busy machine, a thread that has slept is
   * scheduled at once.
   */
  sleep(): void {
    this.words.wait(CALLS, this.words.load(CALLS), 1);
  }

  /** For the vCPU: the orders of the volley that has begun. */
  get orders(): VolleyOrders {
    const { words } = this;
    return {
      markFirst: words.get(ORDERS) !== 0,
      burst: words.get(ORDERS + 1),
      start: words.get(ORDERS + 2),
      delay: words.get(ORDERS + 3),
    };
  }

  /**
   * To be called by the vCPU.
   * @param cleared whether the owner had cleared the bits before the first mark, and before the last
   */
  finish(volley: number, cleared: { readonly first: boolean; readonly last: boolean }): void {
    this.words.set(CLEARED, (cleared.first ? 1 : 0) | (cleared.last ? 2 : 0));
    this.words.store(DONE, volley);
    this.words.notify(DONE);
  }

  /** For the owner: what the vCPU passed to `finish` in the volley that has ended. */
  get cleared(): { readonly first: boolean; readonly last: boolean } {
    const flags = this.words.get(CLEARED);
    return { first: (flags & 1) !== 0, last: (flags & 2) !== 0 };
  }

  /** To be called by the owner. @returns false when stopped before the volley has ended */
  awaitEnd(volley: number, stopped: () => boolean): boolean {
    const { words } = this;
    for (let spin = 0; spin < SPINS; spin++) if (words.load(DONE) === volley) return true;
    for (;;) {
      const seen = words.load(DONE);
      if (seen === volley) return true;
      if (stopped()) return false;
      words.wait(DONE, seen, 1);
    }
  }
}

/** Busy-waits, to shift two threads against each other by nanoseconds. */
export function delay(steps: number): void {
  for (let i = steps; i > 0; i--);
}
