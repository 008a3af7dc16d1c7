/**
 * The guest's memory, apart from the engine's arena: its RAM, with one 32-bit cell for each page, and a directory of
 * DIMMs, which stands for what firmware tells the CPUs. Only the owner writes the directory. vCPUs read it, so they
 * learn of DIMMs from guest memory, not from the engine. The memory also has an account for each marking thread, in
 * which the thread counts the pages that it turned dirty.
 *
 * Cells are stored and read by plain accesses, as guest RAM is: it is the engine that must guarantee which stores a
 * copy contains.
 */
import { Words } from '../arena/words.js';

const STOP = 0;
const START = 1;
const COUNTERS = 16;
const DIRECTORY = 64;
const ENTRY_WORDS = 4;

/** Counters to which every thread adds, and which the owner reads and resets. */
export const Counter = {
  Marks: 0,
  /** Marks that were rightly refused, because the RAM had been unplugged. */
  Refused: 1,
  /**
   * Uses of a table, by the number of grace periods that had ended since its replacement: 8 counters, the last for 7
   * and more.
   */
  Ages: 2,
  /** Readers that were attached for a moment only. */
  Attaches: 10,
  /** vCPUs and devices that have started; counts only the first thread of each place. */
  Begun: 11,
  /** Uses of the object behind a pointer, by the object's generation: `GENERATION_COUNTS` counters. */
  Generations: 12,
  /** Pages of the base RAM that turned dirty: one counter for each client, in the order of the roots. */
  Turned: 23,
  /** Pages that were marked: one counter for each form of mark, in the order of `MARK_FORMS`. */
  Forms: 26,
  /** Stores by a mark that was made earlier in the interval. */
  Kept: 32,
  /** Stores that were made through `GuestRam`. */
  GuestStores: 33,
} as const;
const COUNTER_COUNT = 34;
export const AGES = 8;

/**
 * Directory entries 0 to DIMM_SLOTS - 1 are DIMMs. The entries after them are ranges without RAM, where every mark must
 * be refused.
 */
export const DIMM_SLOTS = 32;
export const GONE_SLOTS = 4;
/** Directory slot of the base RAM, which stays for the whole run. */
export const BASE_SLOT = DIMM_SLOTS - 1;

/** Word index of the accounts: one for each place of a marking thread, a cache line apart. */
const ACCOUNTS = 2 ** Math.ceil(Math.log2(DIRECTORY + (DIMM_SLOTS + GONE_SLOTS) * ENTRY_WORDS));
const MOST_ACCOUNTS = 257;
const ACCOUNT_WORDS = 16;
const CELLS = ACCOUNTS + MOST_ACCOUNTS * ACCOUNT_WORDS;

/**
 * Bounds of the number of pages that a marking thread has turned dirty for MIGRATION, by its own count, modulo 2^32.
 */
export interface Account {
  /** Identifies the thread: how many threads had the place before it. */
  readonly tenancy: number;
  readonly atLeast: number;
  readonly atMost: number;
}

export interface Place {
  readonly slot: number;
  /** Odd while the entry is valid; changes whenever the entry changes. */
  readonly version: number;
  readonly first: number;
  readonly pages: number;
}

/**
 * How many pages of the place are warm: the first three quarters. The others are cold: they are stored to seldom, so a
 * cold page that lost an update is not marked again before the oracle looks.
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

  /** Wakes the workers that wait for the start. */
  start(): void {
    this.words.store(START, 1);
    this.words.notify(START);
  }

  /**
   * Blocks the calling worker until the start or the stop, because workers that ran already would leave no core to
   * those that still start.
   */
  awaitStart(): void {
    this.words.wait(START, 0, Infinity);
  }

  /** Blocks the calling worker for this time, or until the stop. */
  pause(milliseconds: number): void {
    this.words.wait(STOP, 0, milliseconds);
  }

  count(counter: number, amount: number): void {
    if (amount !== 0) this.words.add(COUNTERS + counter, amount);
  }

  /** Resets the counter. @returns what was counted since the last call */
  drain(counter: number): number {
    return this.words.exchange(COUNTERS + counter, 0);
  }

  /** To be called by a marking thread, for its own account, before `enter`. */
  openAccount(index: number, tenancy: number): void {
    const account = ACCOUNTS + index * ACCOUNT_WORDS;
    // ORDER: reset the last tenant's counts before storing the new tenant's name (store-store), so that under one name
    // the counts only grow.
    // pairs with: stress/guest.ts account
    this.words.store(account, 0);
    this.words.store(account + 1, 0);
    this.words.store(account + 2, 0);
    this.words.store(account, tenancy + 1);
  }

  /** To be called by a marking thread, for its own account, after its marks and before its next quiescent state. */
  enter(index: number, atLeast: number, atMost: number): void {
    const account = ACCOUNTS + index * ACCOUNT_WORDS;
    this.words.store(account + 1, atLeast);
    this.words.store(account + 2, atMost);
  }

  /** To be called by a marking thread. The marks of a place are those of all threads that it has had. */
  countMarks(index: number, pages: number): void {
    this.count(Counter.Marks, pages);
    if (pages !== 0) this.words.add(ACCOUNTS + index * ACCOUNT_WORDS + 3, pages);
  }

  /** To be called by the owner. @returns how many pages were marked from the place, modulo 2^32 */
  marksOf(index: number): number {
    return this.words.load(ACCOUNTS + index * ACCOUNT_WORDS + 3) >>> 0;
  }

  /** To be called by the owner. @returns the account as it is now; undefined when no thread has the place */
  account(index: number): Account | undefined {
    const account = ACCOUNTS + index * ACCOUNT_WORDS;
    // ORDER: load the name before the counts (load-load), so that the counts are never those of an earlier tenant.
    // pairs with: stress/guest.ts openAccount
    const tenancy = this.words.load(account) - 1;
    if (tenancy < 0) return undefined;
    return { tenancy, atLeast: this.words.load(account + 1), atMost: this.words.load(account + 2) };
  }

  /**
   * To be called by the owner. ORDER: the version is odd only while the words after it are valid; readers load it
   * before and after them.
   */
  announce(slot: number, first: number, pages: number): void {
    const entry = DIRECTORY + slot * ENTRY_WORDS;
    this.words.store(entry + 1, first);
    this.words.store(entry + 2, pages);
    this.words.add(entry, 1);
  }

  /** To be called by the owner. */
  withdraw(slot: number): void {
    this.words.add(DIRECTORY + slot * ENTRY_WORDS, 1);
  }

  /** @returns the entry; undefined when it is empty or is being changed */
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

/** The sums of what the owner has read from the counters. */
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
