/**
 * The guest: its RAM, one cell a page, and what its firmware would tell its CPUs, in shared memory beside the engine's
 * arena. The owner alone writes the directory of DIMMs; vCPUs read it, and so hear of new DIMMs from guest memory, not
 * from the engine. Beside it each marking thread keeps its own account of the pages that it has turned dirty.
 *
 * Cells are stored and read plainly, as a guest's RAM is: whether a copy has a store is for the engine to guarantee.
 */
import { Words } from '../arena/words.js';

const STOP = 0;
const START = 1;
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
  /** Uses of the object behind a pointer by its generation: `GENERATION_COUNTS` of them. */
  Generations: 12,
  /** Pages of the RAM that stays that turned dirty, by client in the order of their roots. */
  Turned: 23,
  /** Pages by the form of their mark, as `MARK_FORMS` has them. */
  Forms: 26,
} as const;
const COUNTER_COUNT = 32;
export const AGES = 8;

/** Entries 0 to DIMM_SLOTS - 1 are DIMMs; those after are ranges where no RAM is, and a mark must be refused. */
export const DIMM_SLOTS = 32;
export const GONE_SLOTS = 4;
/** Directory slot of RAM that stays for the length of the run. */
export const BASE_SLOT = DIMM_SLOTS - 1;

/** One for each place of a marking thread, a cache line apart. */
const ACCOUNTS = 2 ** Math.ceil(Math.log2(DIRECTORY + (DIMM_SLOTS + GONE_SLOTS) * ENTRY_WORDS));
const MOST_ACCOUNTS = 257;
const ACCOUNT_WORDS = 16;
const CELLS = ACCOUNTS + MOST_ACCOUNTS * ACCOUNT_WORDS;

/** Pages that a marking thread has turned dirty for MIGRATION, by its own count: modulo 2^32, and within bounds. */
export interface Account {
  /** Whose it is: how many threads had the place before. */
  readonly tenancy: number;
  readonly atLeast: number;
  readonly atMost: number;
}

export interface Place {
  readonly slot: number;
  /** Odd while the entry is valid; changes whenever it changes. */
  readonly version: number;
  readonly first: number;
  readonly pages: number;
}

/**
 * The pages of a place up to the last quarter of it. Those after them are stored to seldom, so that one that lost an
 * update is not marked again before anybody has looked.
 */
export function warmPages({ pages }: Place): number {
  return pages - (pages >> 2);
}

export class Guest {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Words;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new Words(buffer, 0, buffer.byteLength / 4);
  }

  static withPages(pages: number): Guest {
    return new Guest(new SharedArrayBuffer((CELLS + pages) * 4));
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
    this.start();
  }

  /** Lets those go on that wait for the start. */
  start(): void {
    this.words.store(START, 1);
    this.words.notify(START);
  }

  /** Blocks the calling worker until the start, or the stop: threads that run leave those that begin no core. */
  awaitStart(): void {
    this.words.wait(START, 0, Infinity);
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

  /** A marking thread, of its own account. */
  openAccount(index: number, tenancy: number): void {
    const account = ACCOUNTS + index * ACCOUNT_WORDS;
    // ORDER: the last tenant's counts go before the new tenant's name comes (store-store): under one name counts only grow.
    // pairs with: stress/guest.ts account
    this.words.store(account, 0);
    this.words.store(account + 1, 0);
    this.words.store(account + 2, 0);
    this.words.store(account, tenancy + 1);
  }

  /** A marking thread, of its own account, after the marks and before its next quiescent state. */
  enter(index: number, atLeast: number, atMost: number): void {
    const account = ACCOUNTS + index * ACCOUNT_WORDS;
    this.words.store(account + 1, atLeast);
    this.words.store(account + 2, atMost);
  }

  /** Owner. The account of this moment; undefined when nobody has the place. */
  account(index: number): Account | undefined {
    const account = ACCOUNTS + index * ACCOUNT_WORDS;
    // ORDER: the name before the counts (load-load), which are never those of a tenant before.
    // pairs with: stress/guest.ts openAccount
    const tenancy = this.words.load(account) - 1;
    if (tenancy < 0) return undefined;
    return { tenancy, atLeast: this.words.load(account + 1), atMost: this.words.load(account + 2) };
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
