/**
 * The guest: its RAM, one cell a page, and what its firmware would tell its CPUs, in shared memory beside the engine's
 * arena. The owner alone writes the directory of DIMMs; vCPUs read it, and so hear of new DIMMs from guest memory, not
 * from the engine.
 *
 * Cells are stored and read plainly, as a guest's RAM is: whether a copy has a store is for the engine to guarantee.
 */
import { Words } from '../arena/words.js';
import { MAX_PAGES } from './plan.js';

const STOP = 0;
const COUNTERS = 16;
const DIRECTORY = 64;
const ENTRY_WORDS = 4;

/** Counters that every thread adds to and the owner drains. */
export const Counter = {
  Marks: 0,
  /** Marks to RAM that had gone, refused as they should be. */
  Refused: 1,
  /** Uses of a table by how many grace periods had ended since it was replaced: ages 0 to 7 and more. */
  Ages: 2,
  /** Readers that came and left beside those that stay. */
  Attaches: 10,
  /** vCPUs and devices that have begun, each the first in its place. */
  Begun: 11,
} as const;
const COUNTER_COUNT = 12;
export const AGES = 8;

/** Entries 0 to DIMM_SLOTS - 1 are DIMMs; those after are ranges where no RAM is, and a mark must be refused. */
export const DIMM_SLOTS = 32;
export const GONE_SLOTS = 4;
const CELLS = DIRECTORY + (DIMM_SLOTS + GONE_SLOTS) * ENTRY_WORDS;

export interface Place {
  readonly slot: number;
  /** Odd while the entry is valid; changes whenever it changes. */
  readonly version: number;
  readonly first: number;
  readonly pages: number;
}

export class Guest {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Words;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer((CELLS + MAX_PAGES) * 4)) {
    this.buffer = buffer;
    this.words = new Words(buffer, 0, CELLS + MAX_PAGES);
  }

  read(page: number): number {
    return this.words.get(CELLS + page);
  }

  write(page: number, value: number): void {
    this.words.set(CELLS + page, value);
  }

  get stopped(): boolean {
    return this.words.load(STOP) !== 0;
  }

  stop(): void {
    this.words.store(STOP, 1);
    this.words.notify(STOP);
  }

  /** Blocks the calling worker until the stop, at most so long. */
  pause(milliseconds: number): void {
    this.words.wait(STOP, 0, milliseconds);
  }

  count(counter: number, amount: number): void {
    if (amount !== 0) this.words.add(COUNTERS + counter, amount);
  }

  /** @returns what was counted since the last call */
  drain(counter: number): number {
    return this.words.exchange(COUNTERS + counter, 0);
  }

  /** Owner. ORDER: the version is odd only while the words after it are right; readers check it on both sides. */
  announce(slot: number, first: number, pages: number): void {
    const entry = DIRECTORY + slot * ENTRY_WORDS;
    this.words.store(entry + 1, first);
    this.words.store(entry + 2, pages);
    this.words.add(entry, 1);
  }

  /** Owner. */
  withdraw(slot: number): void {
    this.words.add(DIRECTORY + slot * ENTRY_WORDS, 1);
  }

  /** @returns the entry, or undefined when it is empty or just changing */
  look(slot: number): Place | undefined {
    const entry = DIRECTORY + slot * ENTRY_WORDS;
    const version = this.words.load(entry);
    if ((version & 1) === 0) return undefined;
    const place = { slot, version, first: this.words.load(entry + 1), pages: this.words.load(entry + 2) };
    return this.words.load(entry) === version ? place : undefined;
  }

  isCurrent(place: Place): boolean {
    return this.words.load(DIRECTORY + place.slot * ENTRY_WORDS) === place.version;
  }
}

/** What the owner has drained of the counters so far. */
export class Tally {
  private readonly guest: Guest;
  private readonly sums = new Array<number>(COUNTER_COUNT).fill(0);

  constructor(guest: Guest) {
    this.guest = guest;
  }

  drain(): void {
    for (let counter = 0; counter < COUNTER_COUNT; counter++) {
      this.sums[counter] = this.of(counter) + this.guest.drain(counter);
    }
  }

  of(counter: number): number {
    return this.sums[counter] as number;
  }
}
