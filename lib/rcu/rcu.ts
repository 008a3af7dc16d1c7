/**
 * The owner's door to grace periods: waiting for them, polling them, and running things after them.
 *
 * Progress comes from three places: every owner's step polls once (`poll`, one scan of the slots), a waiting call spins
 * for some microseconds, and while anything waits a turn of the event loop comes back, soon at first and then by
 * timer. Nothing here depends on a reader's wake-up except the blocking wait (GP-7).
 *
 * Called from the owner's thread only.
 */
import type { Arena } from '../arena/arena.js';
import { checkFunction, checkInteger, GracePeriodTimeout, type ReaderReport, UsageError } from '../errors.js';
import { readOptions } from '../options.js';
import { CallbackQueue } from './callbacks.js';
import type { GracePeriods } from './grace-period.js';
import { Lifecycle } from './lifecycle.js';
import { findLocalReader, quiesceLocalReaders } from './local-readers.js';
import { reportReaders } from './registry.js';
import { waitBlocking } from './synchronize-blocking.js';
import { later, type Scheduled, soon } from './turns.js';
import { checkWaitOptions, readWaitOptions, type WaitLimit, type WaitOptions, waitForWake } from './wait.js';

/** How long a waiting call spins before it lets the event loop turn. */
const SPIN_MS = 0.02;
/** A period older than this is polled by timer, and its readers are kicked. */
const PATIENCE_MS = 2;

/** A grace period that has not ended in time, and who holds it up. */
export interface StallReport {
  /** How long it has been running, in milliseconds. */
  readonly gracePeriodMs: number;
  readonly readers: readonly ReaderReport[];
}

interface Waiter {
  readonly cookie: number;
  readonly wake: () => void;
}

/** Grace periods, for what an embedder frees or reuses itself. Of the owner's thread alone. */
export class Rcu {
  /** @internal Shared by everything that takes the embedder's requests. */
  readonly lifecycle: Lifecycle;
  private readonly arena: Arena;
  private readonly periods: GracePeriods;
  private readonly stallMs: number;
  private readonly onStall: (report: StallReport) => void;
  private readonly engineQueue = new CallbackQueue();
  private readonly userQueue = new CallbackQueue();
  private waiters: Waiter[] = [];
  private scheduled: Scheduled | undefined;
  private nextStallMs: number;
  /** Waits outside this class that must keep the loop turning. */
  private holds = 0;

  constructor(arena: Arena, periods: GracePeriods, stallMs: number, onStall: (report: StallReport) => void) {
    this.lifecycle = new Lifecycle(arena.words);
    this.arena = arena;
    this.periods = periods;
    this.stallMs = stallMs;
    this.nextStallMs = stallMs;
    this.onStall = onStall;
  }

  /**
   * Resolves after a grace period that begins after the call: every interval and section open now has ended.
   * (liburcu: synchronize_rcu.) @throws (rejects) GracePeriodTimeout, the signal's reason, UsageError inside a section
   */
  async synchronize(options: WaitOptions = {}): Promise<void> {
    const wait = readWaitOptions('synchronize', options);
    this.checkMayWait('synchronize');
    await this.waitFor('synchronize', this.periods.request(), wait);
  }

  /**
   * As `synchronize`, blocking the owner's thread. Not on threads that must not block, such as a page's main thread.
   * @param options.timeoutMs default: the engine's `stallMs`
   * @throws GracePeriodTimeout; UsageError inside a section; TypeError where the thread must not block
   */
  synchronizeBlocking(options: { readonly timeoutMs?: number } = {}): void {
    const read = readOptions('synchronizeBlocking', options, { timeoutMs: true });
    const { timeoutMs = this.stallMs } = checkWaitOptions('synchronizeBlocking', read);
    this.checkMayWait('synchronizeBlocking');
    const cookie = this.periods.request();
    const done = (): boolean => {
      quiesceLocalReaders(this.arena);
      this.step();
      return this.periods.completed >= cookie;
    };
    // The wait may go through the rest of a running period and one of its own; a kick is for one period.
    const doneOrKicked = (): boolean => {
      if (done()) return true;
      this.periods.kick();
      return false;
    };
    try {
      if (this.spin(done) || waitBlocking(this.arena, timeoutMs, doneOrKicked)) return;
      throw new GracePeriodTimeout('synchronizeBlocking', timeoutMs, this.holdouts());
    } finally {
      this.keepTurning(); // also where this thread must not block: the period has begun
    }
  }

  /**
   * Runs `callback` after a grace period, in a turn of its own. (liburcu: call_rcu.) An error it throws becomes the
   * host's uncaught error.
   */
  callRcu(callback: () => void): void {
    this.lifecycle.check('callRcu');
    checkFunction('callRcu', 'callback', callback);
    this.userQueue.push(this.periods.request(), callback);
    this.keepTurning();
  }

  /** Resolves when every callback handed to `callRcu` so far has run. (liburcu: rcu_barrier.) */
  async barrier(): Promise<void> {
    this.checkMayWait('barrier');
    await new Promise<void>((resolve) => this.callRcu(resolve));
  }

  /** @returns a cookie for `poll`. (Linux: start_poll_synchronize_rcu.) */
  startPoll(): number {
    this.lifecycle.check('startPoll');
    const cookie = this.periods.request();
    this.keepTurning();
    return cookie;
  }

  /**
   * Has a grace period passed since `startPoll` returned `cookie`? Never waits. Readers of this thread count as
   * quiescent, as in the waits.
   */
  poll(cookie: number): boolean {
    if (this.lifecycle.state === 'closed') this.lifecycle.check('poll');
    checkInteger('poll', 'cookie', cookie, 1, this.periods.started + 1);
    this.lifecycle.checkMemory('poll');
    quiesceLocalReaders(this.arena);
    this.step();
    return this.periods.completed >= cookie;
  }

  /** Asks the readers that the running grace period waits for to hurry; they see it in `kicked`. */
  kick(): void {
    this.lifecycle.check('kick');
    this.periods.kick();
  }

  /** The readers that the running grace period waits for. */
  holdouts(): ReaderReport[] {
    this.lifecycle.checkMemory('holdouts');
    this.step(); // a period that has ended unnoticed holds nobody, and the next may be waiting to begin
    if (!this.periods.running) return [];
    return reportReaders(this.arena, (slot) => !this.periods.isQuiescent(slot));
  }

  /** How many grace periods have ended. */
  get completed(): number {
    return this.periods.completed;
  }

  /** How many callbacks of the embedder's wait for their grace period. */
  get pendingCallbacks(): number {
    return this.userQueue.length;
  }

  /** @internal Learns of periods that have ended and runs the engine's own callbacks. Each owner's step begins with it. */
  step(): void {
    if (!this.hasMemory) return;
    this.periods.poll();
    this.engineQueue.run(this.periods.completed);
  }

  /** @internal The engine's own callbacks: run inside the owner's step that learns of the period's end.
   *  @returns the period's cookie */
  defer(run: () => void): number {
    const cookie = this.periods.request();
    this.engineQueue.push(cookie, run);
    this.keepTurning();
    return cookie;
  }

  /** @internal @returns cookie of the first period that begins after all that the owner has done so far */
  request(): number {
    return this.periods.request();
  }

  /** @internal Waits for the period of `cookie`, under the name of the calling operation, which began at `since`. */
  async waitFor(
    operation: string,
    cookie: number,
    options: WaitOptions,
    since: number = performance.now(),
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const done = (): boolean => {
      quiesceLocalReaders(this.arena);
      this.step();
      return this.periods.completed >= cookie;
    };
    if (this.spin(done)) {
      this.keepTurning();
      return;
    }
    const timeoutError = (ms: number): Error => new GracePeriodTimeout(operation, ms, this.holdouts());
    await waitForWake({ options, since, timeoutError }, (wake) => {
      const waiter: Waiter = { cookie, wake };
      this.waiters.push(waiter);
      this.keepTurning();
      return () => {
        this.waiters = this.waiters.filter((w) => w !== waiter);
      };
    });
  }

  /** @internal @throws UsageError when waiting here could never end, or the engine is closed */
  checkMayWait(operation: string): void {
    this.lifecycle.check(operation);
    const reader = findLocalReader(this.arena, (candidate) => candidate.inSection);
    if (reader !== undefined) {
      throw new UsageError(
        `${operation}: reader '${reader.name}' of this thread is inside a read-side section, so the wait would not end`,
      );
    }
  }

  /** @internal Waits for something else than a period, which periods will bring about; keeps the loop turning for it. */
  async holdingFor(wait: Promise<void>): Promise<void> {
    this.holds++;
    this.keepTurning();
    try {
      await wait;
    } finally {
      this.holds--;
    }
  }

  /**
   * @internal Resolves when all callbacks, the embedder's and the engine's, have run. While closing there come no new ones.
   * @throws (rejects) GracePeriodTimeout, the signal's reason
   */
  async drain({ options, since }: WaitLimit): Promise<void> {
    await this.waitFor('close', this.periods.request(), options, since);
    while (this.userQueue.length > 0) await new Promise<void>((resolve) => soon(resolve));
  }

  /** @internal After the lifecycle's last state. */
  close(): void {
    this.scheduled?.cancel();
    this.scheduled = undefined;
    // Their periods have ended (`drain`), which no turn has noticed, and none will.
    for (const waiter of this.waiters) waiter.wake();
    this.periods.finish();
  }

  private spin(done: () => boolean): boolean {
    const end = performance.now() + SPIN_MS;
    do if (done()) return true;
    while (performance.now() < end);
    return false;
  }

  /** Another engine may have that of a closed one, and one that is not shared is gone when it was grown. */
  private get hasMemory(): boolean {
    return this.lifecycle.state !== 'closed' && this.arena.words.length > 0;
  }

  private get held(): boolean {
    return this.waiters.length > 0 || this.userQueue.length > 0 || this.holds > 0;
  }

  private keepTurning(): void {
    if (this.lifecycle.state === 'closed' || !(this.held || this.periods.running)) return;
    const age = this.periods.running ? performance.now() - this.periods.beganAt : 0;
    // An immediate that does not hold the process would not run while the loop is idle, so the engine's own are timers.
    const prompt = this.held && age < PATIENCE_MS;
    if (this.scheduled !== undefined) {
      if (!prompt || this.scheduled.prompt) {
        if (this.held) this.scheduled.hold();
        return;
      }
      this.scheduled.cancel();
    }
    this.scheduled = prompt ? soon(this.turn) : later(this.turn, Math.min(16, 1 + age / 8), this.held);
  }

  private readonly turn = (): void => {
    this.scheduled = undefined;
    if (!this.hasMemory) return;
    quiesceLocalReaders(this.arena);
    this.step();
    const completed = this.periods.completed;
    for (const waiter of this.waiters) if (waiter.cookie <= completed) waiter.wake();
    this.userQueue.run(completed);
    this.watch();
    this.keepTurning();
  };

  /** Kicks the readers of a period that takes long, and reports one that has stalled, again after each `stallMs`. */
  private watch(): void {
    if (!this.periods.running) return;
    const age = performance.now() - this.periods.beganAt;
    if (age >= PATIENCE_MS) this.periods.kick();
    if (age < this.stallMs) this.nextStallMs = this.stallMs;
    if (age < this.nextStallMs) return;
    this.nextStallMs = age + this.stallMs;
    this.onStall({ gracePeriodMs: age, readers: this.holdouts() });
  }
}
