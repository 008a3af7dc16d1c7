/**
 * Grace periods, as the owner counts them: a state machine that `poll` steps and that never waits. How to wait is in
 * rcu/rcu.ts.
 *
 * GP-1 Only the owner stores the roots and the number, and in this order: publish, then `request`. So whoever sees a
 *   number sees everything published before it.
 * GP-2 The number advances only when the previous period is complete: every online slot is at the number or, while a
 *   period runs, one behind it. Then 32 bits compared by signed difference can never be fooled, however long a reader
 *   is stuck. A request that comes while a period runs takes the *next* period, since readers may have reported to the
 *   running period before the request; all requests made meanwhile share the next period. (While a reader enters, its
 *   slot may hold an older number for a moment: the reader has loaded no root yet, and GP-4's repetition replaces the
 *   number before the reader loads one.)
 * GP-6 When a period completes: for each reader online when it began, the owner has loaded from its slot (Atomics) a
 *   value that the reader stored (Atomics) after every access of the interval in which the period began. So those
 *   accesses happen-before what the owner does next: freeing, or copying pages. The reader loaded the number before
 *   that store, so what it does afterwards happens-after what the owner published or cleared before the request. A
 *   reader seen offline stored OFFLINE after its last access (GP-5), and will enter by GP-4. Where the owner sees not
 *   that store but a later one to the same slot, the order goes on: through the same thread's program order when it
 *   came back; by its store of the vacant value, which the next tenant's claim expects, when the slot changed hands
 *   (GP-5); and through the thread's `exit` event when the slot was retired. Each slot is scanned until found
 *   quiescent, and then not again in this period: a reader that enters there later does so by GP-4, with this
 *   period's number.
 * GP-7 The owner does not sleep through the report that it waits for. It stores in `Waiting` the slot of a reader
 *   that the period waits for, loads `Wake`, looks at that slot again, and only then sleeps, for that value of
 *   `Wake`. A reader stores its slot, loads `Waiting`, and if it is named there changes `Wake` before it notifies. So
 *   a report that the second look has missed finds its reader named; it has changed `Wake` since that was loaded (the
 *   owner does not fall asleep), or is yet to change it (and will notify). Reports of other readers wake nobody: once
 *   awake the owner scans on, and sleeps for the next reader that it finds. A reader that dies reports nothing; a
 *   timer ends the sleep then.
 * GP-8 Who gives way to a period does not sleep on when it has ended. A reader that may give way has reported, finds
 *   itself asked in `Waiting`, and loads `Completed`. If that counts the period that it has reported, it does not
 *   sleep. Else it stores OFFLINE and sleeps for that value of `Completed`. The owner changes the word when the
 *   period ends, and then notifies if it has named a reader in that period. It has: it clears `Waiting` before it
 *   begins the next period, so what a reader that knew this period's number found there was stored in this period, or
 *   in a later one, which `Completed` shows to have begun when the reader falls asleep. The sleep is bounded all the
 *   same, since the owner's thread may die.
 *
 * Cookies count periods from the first, in 53 bits, and are the owner's private arithmetic: `completed >= cookie`.
 */
import type { Arena } from '../arena/arena.js';
import { Header, Slot, Slots } from '../arena/layout.js';
import { Kind } from '../arena/trace-kinds.js';
import { Asking } from './asking.js';
import { FIRST_NUMBER, nextNumber, OFFLINE, reached } from './sequence.js';

export class GracePeriods {
  /** How many have begun. */
  started = 0;
  /** How many have ended: the last one's cookie. */
  completed = 0;
  /** When the running one began, in `performance.now()` milliseconds. */
  beganAt = 0;
  /** How long the last ended period took, in milliseconds. */
  lastedMs = 0;
  /** Told the length of each completed period, in milliseconds. */
  onComplete: (milliseconds: number) => void = () => {};
  protected readonly arena: Arena;
  protected number = FIRST_NUMBER;
  private wanted = false;
  /** The first slot that was not yet found quiescent in the running period. */
  private next: number = Slots.first;
  /** Has a reader been named in the running period? */
  private hasNamed = false;
  private readonly asking = new Asking();
  /** Are readers asked to give way to the running period? */
  private asks = false;

  constructor(arena: Arena) {
    this.arena = arena;
    arena.words.store(Header.Number, FIRST_NUMBER); // before any reader exists
  }

  get running(): boolean {
    return this.started > this.completed;
  }

  /** @returns the cookie of the first period that begins after everything that the owner did before this call */
  request(): number {
    if (!this.running) {
      this.begin();
      return this.started;
    }
    this.wanted = true;
    return this.started + 1;
  }

  /** Completes what has ended, and begins the next period if one is wanted. */
  poll(): void {
    while (this.running && this.allQuiescent()) {
      this.complete(performance.now() - this.beganAt);
      if (!this.wanted) return;
      this.wanted = false;
      this.begin();
    }
  }

  /** Is the slot's reader offline, or has it reported the running period's number? */
  isQuiescent(slot: number): boolean {
    // ORDER GP-6: the reader's accesses happen-before the load that sees its report (acquire).
    // pairs with: rcu/reader.ts report; rcu/reader.ts leave; rcu/reader.ts enter
    const state = this.arena.words.load(slot + Slot.State);
    return state === OFFLINE || reached(state, this.number);
  }

  /** Has the slot's reader reported to the period of `cookie`, or been offline in it? */
  hasReported(slot: number, cookie: number): boolean {
    return this.completed >= cookie || (this.started === cookie && this.isQuiescent(slot));
  }

  /**
   * Asks every reader that the running period waits for to hurry. Readers see this in `Reader.kicked`; stale kicks are
   * harmless.
   */
  kick(): void {
    this.eachSlot((slot) => {
      if (!this.isQuiescent(slot)) this.arena.words.store(slot + Slot.Kick, this.number);
    });
  }

  /**
   * Names the reader for which the owner is about to sleep. With the first named reader of a period, all readers for
   * which the period waits are asked to hurry.
   * @returns the value of `Header.Wake` until that reader reports; undefined when the period waits for nobody
   */
  prepareSleep(): number | undefined {
    const { words } = this.arena;
    for (;;) {
      const slot = this.running ? this.holdout() : 0;
      if (slot === 0) return undefined;
      if (!this.hasNamed) {
        this.kick();
        this.hasNamed = true;
        this.asks = this.asking.decide();
      }
      this.arena.recorder?.note(Kind.Sleep, (slot - Slots.first) / Slots.size, this.asks ? 1 : 0);
      // ORDER GP-7: the slot is named before it is looked at again (store-load), and the word to sleep on is loaded
      //   between the two (load-load), else the report is slept through. Breaking it delays the owner until a timer
      //   ends its sleep.
      // pairs with: rcu/reader.ts wakeOwner
      words.store(Header.Waiting, this.asks ? slot : -slot);
      const seen = words.load(Header.Wake);
      if (!this.isQuiescent(slot)) return seen;
    }
  }

  /**
   * To be called when the owner no longer sleeps, whether or not the period has ended: reports need not wake it any
   * more.
   */
  endSleep(): void {
    if (this.hasNamed) this.arena.words.store(Header.Waiting, 0);
  }

  /**
   * Begins a last period, which never ends, so that readers notice that the engine is closed, even if one is running.
   */
  finish(): void {
    this.begin();
  }

  protected begin(): void {
    this.started++;
    this.next = Slots.first;
    this.beganAt = performance.now();
    this.number = nextNumber(this.number);
    this.arena.recorder?.note(Kind.Number, this.number, this.started);
    // ORDER GP-1: everything published or cleared precedes this store (release); the slots are scanned after it
    //   (store-load), else a reader that enters now is missed by the scan and keeps an old root (corruption).
    // pairs with: rcu/reader.ts report; rcu/reader.ts enter
    this.arena.words.store(Header.Number, this.number);
  }

  protected allQuiescent(): boolean {
    return this.holdout() === 0;
  }

  /** Continues the scan. @returns the first slot for which the running period waits, or 0 */
  protected holdout(): number {
    const end = Slots.first + this.arena.geometry.maxReaders * Slots.size;
    for (; this.next < end; this.next += Slots.size) if (!this.isQuiescent(this.next)) return this.next;
    return 0;
  }

  private complete(milliseconds: number): void {
    const { words } = this.arena;
    this.completed++;
    this.arena.recorder?.note(Kind.Complete, this.number, this.completed);
    this.lastedMs = milliseconds;
    // Plain: a hint, ordered by the store that follows.
    words.set(Header.Lasted, Math.min(milliseconds * 1000, 2 ** 31 - 1));
    // ORDER GP-8: the word changes before the notify, and Waiting is cleared before the next number is stored, else a
    //   reader gives way to a period that has ended, and sleeps until its time is up. For the age of tables
    //   (`Table.ReplacedAt`), which is computed from the same word, all this is surplus.
    // pairs with: rcu/reader.ts giveWay
    words.store(Header.Completed, this.completed | 0);
    if (this.hasNamed) {
      words.store(Header.Waiting, 0);
      words.notify(Header.Completed);
      this.hasNamed = false;
      this.asking.ended(milliseconds, this.asks);
    }
    this.onComplete(milliseconds);
  }

  protected eachSlot(visit: (slot: number) => void): void {
    const end = Slots.first + this.arena.geometry.maxReaders * Slots.size;
    for (let slot: number = Slots.first; slot < end; slot += Slots.size) visit(slot);
  }
}
