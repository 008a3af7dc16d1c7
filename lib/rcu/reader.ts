/**
 * A registered reader: the quiescent-state side of the grace-period protocol.
 *
 * An online reader keeps what it loaded from the roots for an *interval*, the time between two of its reports, and
 * pays nothing per access. The owner frees what it unpublished only after every reader has either reported the number
 * that was advanced after the unpublishing, or is offline. The guarantees (GP-1, GP-2, GP-6: rcu/grace-period.ts):
 *
 * GP-3 Report. Load the number, store it in the slot, then load the roots; nothing loaded before is used after. If the
 *   number loaded is `g`, the owner published everything that preceded `g` before it stored `g`, so the roots loaded
 *   afterwards are at least as new; and every access of the ended interval precedes the store to the slot.
 *
 * GP-4 Enter. Repeat { g = load number; store g } until the number is still `g` after the store; then load the roots.
 *   Without the repetition a reader could be delayed between load and store, and store a number that the owner has
 *   since gone past, having seen the slot offline. A later scan would take the old number for a reader that is behind
 *   by more than one (GP-2 broken); after 2^31 periods, for one that has reported. With it, either our store precedes
 *   the owner's scan, which then waits for us, or the load after it sees the advanced number and we go round again;
 *   in both cases the roots we then load are those published before the number in our slot.
 *
 * GP-5 Leave. One store of OFFLINE after the last use of anything loaded from the roots.
 *
 * GP-7 Wake-up. After each store to the slot: if the owner sleeps for this reader, change the word it sleeps on, then
 *   notify.
 *
 * GP-8 Giving way. A reader that has reported, and finds that the owner sleeps and asks for it, goes offline and
 *   sleeps, too, until the period has ended or its time is up: where threads outnumber cores, whoever the period waits
 *   for may be waiting for this reader's core. The owner may fall asleep after the report, so the reader looks again
 *   at each `quiescent` for as long as that may happen. Where the reader itself is the one that is named, it has woken
 *   the owner, which will end the period or name another reader. So it looks again, too, and gives way only when the
 *   owner is late, since the owner may be waiting for this reader's core.
 *
 * `expected` is the number for which `quiescent` has nothing to do. It is 0, which no number equals, whenever
 * `quiescent` has to look closer: offline, detached, inside a section, after a report (GP-8), while a
 * dirty-rate limit is set for the reader, which sleeps in `quiescent` when it is ahead (its governor:
 * rate/throttle.ts), or when an interval has begun that `quiescent` has not told of yet. So the fast path is one load
 * and one compare. The load orders nothing: when the number is the one already reported nothing is claimed, and what is
 * reported is loaded again. It is Atomics because a plain load could be hoisted out of a vCPU's loop by a compiler, and
 * the grace period would never end.
 *
 * What a caller keeps for an interval, such as the pages that it has marked (DM-7: dirty/vcpu.ts), it has to drop when
 * the interval ends. An interval may end where the caller does not look: a helper reports, a promise brings the reader
 * online again, or the owner reports for the readers of its own thread. So intervals are counted, and `quiescent`
 * returns whether the count has changed since it last returned.
 */
import { Arena } from '../arena/arena.js';
import { Header, Slot, Slots } from '../arena/layout.js';
import { Kind, Offline, type OfflineReason } from '../arena/trace-kinds.js';
import type { Recorder } from '../arena/trace-ring.js';
import type { Words } from '../arena/words.js';
import { checkFunction, memoryGrown, throwInOwnTurn, UsageError } from '../base/errors.js';
import { Courtesy } from './courtesy.js';
import { addLocalReader, removeLocalReader } from './local-readers.js';
import { claimSlot, freeSlot } from './registry.js';
import { nextNumber, numberOf, OFFLINE } from './sequence.js';

/** Holds a reader back at its reports while it is ahead of a dirty-rate limit (rate/throttle.ts). */
export interface Governor {
  /** Looks up the limit in force. @returns whether the reader must check `isAhead` at each `quiescent` */
  refresh(): boolean;
  /** Is the reader so far ahead of its limit that it should sleep? */
  readonly isAhead: boolean;
  /** Blocks until the reader is no longer ahead. Called while the reader is offline. */
  sleep(): void;
}

/**
 * What this package keeps for a reader's intervals, such as the pages that are marked (DM-7: dirty/vcpu.ts). It is told
 * of every interval, in the step that begins or ends it and before any listener of `onInterval`, because a listener
 * may store to the guest's RAM. And it is told that the reader goes offline or detaches, which no listener is.
 */
export interface IntervalCache {
  /** An interval has begun: nothing that was kept before is good any more. */
  begin(): void;
  /** The reader is offline or detached: nothing is good until an interval begins. */
  end(): void;
}

/** What the constructor of `Reader` needs. */
export interface ReaderSetup {
  readonly arena: Arena;
  /** The registry's, for stall reports. */
  readonly name: string;
  readonly identity: number;
  /** May the reader sleep so that readers for which a grace period waits can use its core (GP-8)? */
  readonly giveWay: boolean;
  /** Called for a reader that may sleep: its owner is another thread. @param slot word index */
  readonly governorOf: (arena: Arena, slot: number) => Governor;
}

/** A registered thread's part in grace periods: its intervals and read-side sections. Only that thread may use it. */
export abstract class Reader {
  /** The name of this reader in stall reports. */
  readonly name: string;
  /** The number that the owner passes to `retire` when this thread is gone. */
  readonly identity: number;
  /** @internal The owner's arena if this thread is the owner's, else undefined. */
  readonly home: Arena | undefined;
  /** @internal Word index of the slot. */
  readonly slot: number;
  /** @internal */
  protected readonly arena: Arena;
  /** @internal */
  protected readonly words: Words;
  /** Undefined on the owner's own thread, which must not sleep here. */
  private readonly governor: Governor | undefined;
  private governed = false;
  /** Undefined where the thread must not sleep, or `giveWay` is false. */
  private readonly courtesy: Courtesy | undefined;
  /** The reader has reported, and may yet have to give way to the period to which it has. */
  private lookingOn = false;
  private expected = 0;
  /** @internal The number in our slot; OFFLINE while offline or detached. */
  protected reported = OFFLINE;
  private nesting = 0;
  private attached = true;
  /** How often the reader has gone offline, by which `offline` recognizes its own offline stretch. */
  private departures = 0;
  /** How many intervals have begun. */
  private begun = 0;
  /** `begun` when `quiescent` last returned. Nobody is told of the first interval: nothing that is kept is older. */
  private returned = 1;
  /** `begun` when the listeners were last called. */
  private announced = 1;
  private readonly listeners = new Set<() => void>();
  private announcing = false;
  private readonly caches: IntervalCache[] = [];
  /** Undefined where nothing is recorded. Off the fast path of `quiescent`. */
  private readonly recorder: Recorder | undefined;

  /** @internal */
  constructor({ arena, name, identity, giveWay, governorOf }: ReaderSetup) {
    this.arena = arena;
    this.words = arena.words;
    this.home = Arena.ownedHere(arena.engineId);
    this.name = name;
    this.identity = identity;
    this.slot = claimSlot(arena, identity, name);
    const remote = this.home === undefined;
    this.governor = remote ? governorOf(arena, this.slot) : undefined;
    this.courtesy = remote && giveWay && this.words.canWait ? new Courtesy(this.words) : undefined;
    this.recorder = arena.trace?.recorder((this.slot - Slots.first) / Slots.size);
    if (this.recorder !== undefined) {
      this.recorder.arrive(identity, name);
      recordSections(this, this.recorder);
    }
    addLocalReader(this);
  }

  /** @internal Loads the roots (Atomics) and derives from them what the interval uses. */
  protected abstract loadRoots(): void;
  /** @internal Drops everything that was loaded from the roots, so that any use of it fails. */
  protected abstract forgetRoots(): void;
  /**
   * @internal Publishes the counts of the interval that ends. Plain stores suffice: only this thread stores to these
   * words, and the store to the slot that follows orders them for an owner that waits for the grace period (GP-6).
   */
  protected abstract publishCounts(): void;

  /** Is the reader online? If so, the owner waits for it, and it may mark and query. */
  get online(): boolean {
    return this.reported !== OFFLINE;
  }

  /**
   * The number of the reader's interval. Each interval has a number of its own: attaching begins interval 1, and each
   * report, each sleep within `quiescent`, and each return from offline begins the next one. What was kept for an
   * interval is good while the reader is online and this number is the same. While nothing is to be reported,
   * `quiescent` ends no interval.
   */
  get interval(): number {
    return this.begun;
  }

  /** Is the reader between `readLock` and `readUnlock`? */
  get inSection(): boolean {
    return this.nesting > 0;
  }

  /**
   * Announces a quiescent state: nothing loaded from the engine before is used afterwards, and every store to the
   * guest's RAM has its mark. Call it at the end of each slice or translation block. (liburcu: rcu_quiescent_state.)
   *
   * It may block: for at most 2 ms when the owner sleeps until other readers have reported, which may be waiting for
   * this thread's core (`giveWay` of `attachVcpu`), and while a dirty-rate limit is set of which the thread is ahead.
   * To grace periods the reader is offline then. So call it holding no lock. The owner's own thread does not block, nor
   * do threads that must not.
   * @returns whether `interval` has changed since `quiescent` last returned, by this call or in between: by a report
   *   that another function of the thread or the owner made, or by a return from offline. Then drop what was kept for
   *   the interval. While nothing is to be reported, it is false
   * @throws UsageError inside a read-side section, offline, or detached; what a listener of `onInterval` throws, and
   *   then the next call returns true
   */
  quiescent(): boolean {
    try {
      return this.words.load(Header.Number) !== this.expected && this.lookCloser();
    } catch (error) {
      throw this.explain('quiescent', error);
    }
  }

  /**
   * Calls `listener` when an interval has ended and the next one has begun: at the end of the call of `quiescent`,
   * `goOnline` or `offline` that did it, once for all intervals that it ended, or within an operation of the owner that
   * reports for the readers of its own thread. Attaching calls nobody, and `detach` neither.
   *
   * The listener runs in a read-side section of its own, so it may mark and query for the interval that has begun. It
   * may not report, go offline or, on the owner's thread, call an operation that waits. It may detach the reader. What
   * it throws is thrown by the call of the reader, when the other listeners have been called and the interval has
   * begun. Within an operation of the owner, what it throws becomes the host's uncaught error.
   * @returns a function that removes the listener, and does nothing when called again
   */
  onInterval(listener: () => void): () => void {
    checkFunction('onInterval', 'listener', listener);
    const own = (): void => listener();
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  /** @internal Tells the cache of the reader's intervals from now on, for as long as the reader lives. */
  keep(cache: IntervalCache): void {
    this.caches.push(cache);
    if (this.online) cache.begin();
    else cache.end();
  }

  /**
   * Does the owner ask this reader to reach its next quiescent state soon (QEMU: qemu_cpu_kick)? Costs one
   * `Atomics.load`; always false offline. A valid kick is for the number after ours (GP-2), so an old kick that nobody
   * cleared is ignored.
   */
  get kicked(): boolean {
    try {
      // Offline, `reported` is even, and no kick is for an even number.
      return this.words.load(this.slot + Slot.Kick) === nextNumber(this.reported);
    } catch (error) {
      throw this.explain('kicked', error);
    }
  }

  /**
   * Begins a read-side critical section. Sections nest. Accesses no shared memory.
   * @throws UsageError offline or detached
   */
  readLock(): void {
    if (this.reported === OFFLINE) this.refuse('readLock');
    this.nesting++;
    this.expected = 0;
  }

  /** Ends the innermost section. @throws UsageError when there is none */
  readUnlock(): void {
    if (this.nesting === 0) this.refuse('readUnlock');
    if (--this.nesting === 0) this.expect(this.reported);
  }

  /** Runs `body` in a read-side critical section, which also ends when `body` throws. `body` must be synchronous. */
  read<T>(body: () => T): T {
    checkFunction('read', 'body', body);
    this.readLock();
    try {
      return body();
    } finally {
      // If the body has detached the reader, the section has ended already, and an error of the body must not be
      // replaced.
      if (this.attached) this.readUnlock();
    }
  }

  /**
   * Enters an extended quiescent state: no grace period waits for this reader, and it may neither mark nor query.
   * (liburcu: rcu_thread_offline.) @throws UsageError inside a section, offline, or detached
   */
  goOffline(): void {
    if (this.nesting > 0 || this.reported === OFFLINE) this.refuse('goOffline');
    if (this.words.length === 0) throw memoryGrown('goOffline');
    this.leave(Offline.Call);
  }

  /** Ends the extended quiescent state. (liburcu: rcu_thread_online.) @throws UsageError unless offline */
  goOnline(): void {
    if (!this.attached || this.reported !== OFFLINE) this.refuse('goOnline');
    if (this.words.length === 0) throw memoryGrown('goOnline');
    this.comeBack();
  }

  /**
   * Runs `body` offline. Wrap it around anything that blocks. When `body` returns a promise, the reader comes online
   * again when the promise settles. An interval begins then.
   */
  offline<T>(body: () => T): T {
    checkFunction('offline', 'body', body);
    this.goOffline();
    const stretch = this.departures;
    const back = (): void => {
      if (this.attached && this.reported === OFFLINE && this.departures === stretch) this.comeBack();
    };
    const fail = (error: unknown): never => {
      try {
        back();
      } catch (second) {
        throwInOwnTurn(second); // an error of the body must not be replaced
      }
      throw error;
    };
    let result: T;
    let settles: boolean;
    try {
      result = body();
      settles = isThenable(result);
    } catch (error) {
      return fail(error);
    }
    if (settles) {
      const come = (value: unknown): unknown => {
        back();
        return value;
      };
      return Promise.resolve(result).then(come, fail) as T;
    }
    back();
    return result;
  }

  /**
   * @internal Reports for this reader, if there is something to report. Only for a reader of the owner's thread that is
   * online and in no section, within a step of the owner: the thread is here, so it uses no roots.
   */
  reportForOwner(): void {
    let number: number;
    try {
      number = this.words.load(Header.Number);
    } catch (error) {
      throw this.explain('quiescent', error);
    }
    if (number !== this.reported) this.endInterval();
  }

  /** @internal As `reportForOwner`, but ends the interval also where there is nothing to report. */
  endInterval(): void {
    this.report(this.words.load(Header.Number));
    try {
      this.announce();
    } catch (error) {
      throwInOwnTurn(error); // else a listener could cut the owner's step in two
    }
  }

  /**
   * Leaves the engine for good (liburcu: rcu_unregister_thread). It may be called in any state; open sections end.
   * Every other method throws afterwards; a second `detach` does nothing. When the memory was grown, there is no slot
   * left to free.
   */
  detach(): void {
    if (!this.attached) return;
    this.attached = false;
    this.nesting = 0;
    removeLocalReader(this);
    if (this.words.length === 0) {
      this.reported = OFFLINE;
      this.forgetRoots();
      this.endCaches();
      return;
    }
    if (this.reported !== OFFLINE) this.leave(Offline.Detach);
    this.recorder?.note(Kind.Detach); // before the slot is free, and its ring another tenant's
    freeSlot(this.arena, this.slot);
  }

  /** @returns the error to throw, since the error that Atomics throw for a detached buffer says nothing useful */
  private explain(operation: string, error: unknown): unknown {
    return this.words.length === 0 ? memoryGrown(operation) : error;
  }

  /** @internal @throws UsageError that says why the reader may not do `operation` now */
  protected refuse(operation: string): never {
    const why = !this.attached
      ? 'is detached; attach a new one by attachVcpu'
      : this.announcing
        ? 'is calling the listeners of onInterval, which may mark and query, but not end the interval'
        : this.nesting > 0
          ? `is inside a read-side section (nested ${this.nesting} deep); call readUnlock first`
          : this.reported === OFFLINE
            ? 'is offline; call goOnline first'
            : operation === 'readUnlock'
              ? 'is in no read-side section; each readUnlock needs a readLock before it'
              : 'is online already';
    throw new UsageError(`${operation}: reader '${this.name}' ${why}`);
  }

  /** @internal GP-4. Called last by constructors, and by `goOnline`. */
  protected enter(): void {
    const { words, slot } = this;
    let number: number;
    do {
      number = words.load(Header.Number);
      // ORDER GP-4: our slot is stored before the number is loaded again, else the owner can miss us while we hold
      //   roots that it is about to free (corruption).
      // needs: store-load order; a plain store would not give it
      // pairs with: rcu/grace-period.ts begin; rcu/grace-period.ts isQuiescent
      words.store(slot + Slot.State, number);
    } while (words.load(Header.Number) !== number);
    this.recorder?.note(Kind.Online, number, this.begun + 1);
    // The owner may have seen the number of an earlier round and sleep for us; `quiescent` has nothing to report.
    this.settle(number);
  }

  /** @returns as `quiescent` */
  private lookCloser(): boolean {
    if (this.nesting > 0 || this.reported === OFFLINE) this.refuse('quiescent');
    const number = this.words.load(Header.Number);
    if (number !== this.reported) this.report(number);
    if (this.lookingOn) this.giveWay();
    if (this.governed) this.sleepIfAhead();
    if (this.begun === this.returned) return false;
    this.announce();
    this.returned = this.begun;
    this.expect(this.reported);
    return true;
  }

  private sleepIfAhead(): void {
    this.publishCounts();
    if (!this.governor?.isAhead) return;
    this.leave(Offline.Limit);
    this.governor.sleep();
    this.enter();
  }

  private comeBack(): void {
    this.enter();
    this.announce();
  }

  /**
   * Calls the listeners, if an interval has begun since they were last called. Called last, when nothing depends on
   * what a listener does to the reader. @throws the first error of a listener
   */
  private announce(): void {
    if (this.announced === this.begun) return;
    this.announced = this.begun;
    if (this.listeners.size === 0) return;
    const errors: unknown[] = [];
    this.announcing = true;
    for (const listener of this.listeners) {
      if (!this.attached) break;
      this.nesting = 1;
      try {
        listener();
      } catch (error) {
        errors.push(error);
      }
    }
    this.announcing = false;
    this.nesting = 0;
    for (const error of errors.splice(1)) throwInOwnTurn(error);
    if (errors.length > 0) throw errors[0];
  }

  private report(number: number): void {
    this.publishCounts();
    this.recorder?.note(Kind.Report, number, this.begun + 1);
    // ORDER GP-3: all accesses of the ended interval precede this store (release), else the owner frees or copies
    //   under them. The roots are loaded after the number (load-load), else they may be older than what we report
    //   (corruption). That they are loaded after the store, too, is surplus: the slot held a number all the time.
    // pairs with: rcu/grace-period.ts isQuiescent, begin
    this.words.store(this.slot + Slot.State, number);
    this.settle(number);
  }

  /** GP-8. Sleeps, or goes on and looks again, or looks no more in this period, as when nobody is asked to give way. */
  private giveWay(): void {
    const { words, courtesy } = this;
    // ORDER GP-8: loaded before we look whether the period has ended, and slept on for that value, else its end is
    //   slept through until the time is up. That it is loaded after Waiting is surplus: where it was older, we do not
    //   fall asleep.
    // pairs with: rcu/grace-period.ts complete
    const waiting = words.load(Header.Waiting);
    const completed = words.load(Header.Completed);
    if (courtesy !== undefined && numberOf(completed) !== this.reported) {
      if (waiting === 0 ? courtesy.isOwnerPolling : waiting === this.slot && !courtesy.isOwnerLate) return;
      if (waiting > 0 && courtesy.mayGiveWay(this.reported)) {
        this.leave(Offline.GiveWay);
        courtesy.sleep(completed);
        this.enter();
        return;
      }
    }
    this.lookingOn = false;
    this.expect(this.reported);
  }

  /** Sets up the interval that begins. Called when the grace-period number is in the slot. */
  private settle(number: number): void {
    this.begun++;
    this.reported = number;
    this.governed = this.governor?.refresh() ?? false;
    this.wakeOwner();
    this.lookingOn = this.courtesy !== undefined;
    this.courtesy?.reported();
    this.expect(number);
    this.loadRoots();
    for (let i = 0; i < this.caches.length; i++) (this.caches[i] as IntervalCache).begin();
  }

  private expect(number: number): void {
    this.expected = this.governed || this.lookingOn || this.begun !== this.returned ? 0 : number;
  }

  private leave(why: OfflineReason): void {
    this.departures++;
    this.expected = 0;
    this.reported = OFFLINE;
    this.forgetRoots();
    this.endCaches();
    this.publishCounts();
    this.recorder?.note(Kind.Offline, why);
    // ORDER GP-5: every use of the roots and every guest store precedes this store (release).
    // pairs with: rcu/grace-period.ts isQuiescent; rcu/rcu.ts checkStopped
    this.words.store(this.slot + Slot.State, OFFLINE);
    this.wakeOwner();
  }

  private endCaches(): void {
    for (let i = 0; i < this.caches.length; i++) (this.caches[i] as IntervalCache).end();
  }

  private wakeOwner(): void {
    const { words } = this;
    // ORDER GP-7: our slot was stored before this load, and the owner stores Waiting before it looks at the slot again:
    //   one of us sees the other (store-load on both sides). Breaking it delays the owner until a timer ends its sleep.
    // pairs with: rcu/grace-period.ts prepareSleep
    const waiting = words.load(Header.Waiting);
    if (Math.abs(waiting) !== this.slot) return;
    words.add(Header.Wake, 1);
    words.notify(Header.Wake);
  }
}

/** Sections take a nanosecond or two, and one more test would show: only readers that record get other methods. */
function recordSections(reader: Reader, recorder: Recorder): void {
  const lock = reader.readLock.bind(reader);
  const unlock = reader.readUnlock.bind(reader);
  reader.readLock = () => {
    const { inSection } = reader;
    lock();
    if (!inSection) recorder.note(Kind.Section);
  };
  reader.readUnlock = () => {
    unlock();
    if (!reader.inSection) recorder.note(Kind.SectionEnd);
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
