/**
 * The owner's interface to grace periods: it waits for them, polls them, and runs functions after them.
 *
 * Progress comes from three places: every owner's step polls once (`poll`, one scan of the slots), a waiting call looks
 * for some microseconds, and while anything waits a turn of the event loop comes back. Where somebody waits for a
 * period, that turn comes when the reader has reported that the owner sleeps for (GP-7); a timer brings it when no
 * report does.
 *
 * Called from the owner's thread only.
 */
import type { Arena } from '../arena/arena.js';
import { Slots } from '../arena/layout.js';
import { Kind, operationNumber } from '../arena/trace-kinds.js';
import {
  checkFunction,
  checkInteger,
  describeReaders,
  GracePeriodTimeout,
  outOfRange,
  type ReaderReport,
  throwInOwnTurn,
  UsageError,
} from '../base/errors.js';
import { readOptions } from '../base/options.js';
import { later, type Scheduled, soon } from '../base/turns.js';
import { checkWaitOptions, readWaitOptions, type WaitLimit, type WaitOptions, waitForWake } from '../base/wait.js';
import { CallbackQueue } from './callbacks.js';
import type { GracePeriods } from './grace-period.js';
import { Lifecycle } from './lifecycle.js';
import { findLocalReader, quiesceLocalReaders } from './local-readers.js';
import { OwnerSleep, SLEEP_MS } from './owner-sleep.js';
import { reportReaders } from './registry.js';
import { SpinTime } from './spin-time.js';
import { waitBlocking } from './synchronize-blocking.js';

/**
 * When a period is older than this, its readers are kicked, whether or not anybody waits. Where the host cannot wait
 * asynchronously, each turn polls the period before that, and a timer from then on.
 */
const PATIENCE_MS = 2;
/**
 * For how many grace periods callbacks may queue new callbacks while the engine closes. A chain of callbacks is
 * expected to end before that; a callback that always queues another never ends.
 */
const MOST_GENERATIONS = 16;
/** How long operations that need not wait may follow one another without a turn of the event loop. */
const BREATH_MS = 1;

/** A grace period that has not ended in time, and the readers that delay it. */
export interface StallReport {
  /** How long it has been running, in milliseconds. */
  readonly gracePeriodMs: number;
  readonly readers: readonly ReaderReport[];
}

interface Waiter {
  readonly operation: string;
  readonly cookie: number;
  /** Is called after each check whether the period has ended. */
  readonly look: () => void;
  readonly wake: () => void;
  readonly fail: (error: Error) => void;
}

/** Grace periods, for what an embedder frees or reuses itself. Only the owner's thread may use it. */
export class Rcu {
  /** @internal Shared by all parts that the embedder calls. */
  readonly lifecycle: Lifecycle;
  private readonly arena: Arena;
  private readonly periods: GracePeriods;
  private readonly stallMs: number;
  private readonly onStall: (report: StallReport) => void;
  private readonly engineQueue = new CallbackQueue();
  private readonly userQueue = new CallbackQueue();
  private readonly waiters = new Set<Waiter>();
  private scheduled: Scheduled | undefined;
  private readonly sleep: OwnerSleep;
  private readonly spinTime = new SpinTime();
  /** The shared request of all calls of `requestTogether` in the current step. */
  private together: Promise<number> | undefined;
  private releases: (() => void)[] = [];
  private nextStallMs: number;
  /** When the event loop last turned, as far as this class knows. */
  private turnedAt = performance.now();
  /** Waits outside this class that must keep the loop turning. */
  private holds = 0;
  private inCallback = false;
  /** The first refusal by the closing engine that a callback did not catch. */
  private refusal: unknown;

  /** @internal */
  constructor(arena: Arena, periods: GracePeriods, stallMs: number, onStall: (report: StallReport) => void) {
    this.lifecycle = new Lifecycle(arena.words);
    this.arena = arena;
    this.periods = periods;
    this.sleep = new OwnerSleep(arena.words, periods, () => {
      if (this.lifecycle.state !== 'closed') this.turn();
    });
    this.stallMs = stallMs;
    this.nextStallMs = stallMs;
    this.onStall = onStall;
  }

  /**
   * Resolves after a grace period that begins after the call (liburcu: synchronize_rcu). By then every interval and
   * section that is open now has ended.
   * @throws (rejects) GracePeriodTimeout, the signal's reason, UsageError inside a section
   */
  async synchronize(options: WaitOptions = {}): Promise<void> {
    const wait = readWaitOptions('synchronize', options);
    this.checkMayWait('synchronize');
    await this.waitFor('synchronize', this.periods.request(), wait);
  }

  /**
   * As `synchronize`, but blocks the owner's thread. It cannot be used on threads that must not block, such as a page's
   * main thread.
   *
   * The wait does not notice when a reader for which it waits dies. The end of a thread is an event, and no event comes
   * while the thread of the event loop is blocked. The event 'stall' also comes only afterwards. For this reason the
   * wait always has a time limit. After a timeout, `await synchronize()` does notice the thread's end.
   * @param options.timeoutMs default: the engine's `stallMs`; must not be Infinity
   * @throws GracePeriodTimeout; UsageError inside a section; TypeError where the thread must not block; RangeError
   */
  synchronizeBlocking(options: { readonly timeoutMs?: number } = {}): void {
    const read = readOptions('synchronizeBlocking', options, { timeoutMs: true });
    const { timeoutMs = this.stallMs } = checkWaitOptions('synchronizeBlocking', read);
    if (timeoutMs === Infinity) {
      const limit = 'from 0 to 2147483647, since a blocked thread cannot see that the reader it waits for has died';
      throw outOfRange('synchronizeBlocking', 'timeoutMs', timeoutMs, limit);
    }
    this.checkMayWait('synchronizeBlocking');
    const cookie = this.periods.request();
    this.arena.recorder?.note(Kind.Wait, operationNumber('synchronize'), cookie);
    const done = (): boolean => {
      quiesceLocalReaders(this.arena);
      this.advance();
      return this.periods.completed >= cookie;
    };
    try {
      if (this.spin(done)) return;
      if (waitBlocking(this.arena.words, this.periods, timeoutMs, done)) {
        this.spinTime.ended(this.periods.lastedMs, true);
        return;
      }
      const hint =
        'a blocked thread cannot see that another thread has ended: if the thread of one of these has, ' +
        'await synchronize instead, or retire its reader';
      throw new GracePeriodTimeout('synchronizeBlocking', timeoutMs, this.holdouts(), hint);
    } finally {
      this.keepTurning(); // even when this thread must not block, since the period has begun
    }
  }

  /**
   * Runs `callback` after a grace period, in a turn of its own. (liburcu: call_rcu.) An error it throws becomes the
   * host's uncaught error; while the engine closes, `close` rejects instead when the error is that the engine has
   * refused the callback something. A callback may hand over another one while the engine closes, which waits for
   * that one, too.
   * @throws TypeError; UsageError when the engine is closed; while it closes, only callbacks may call this
   */
  callRcu(callback: () => void): void {
    if (this.inCallback) this.lifecycle.checkNotClosed('callRcu');
    else this.lifecycle.check('callRcu');
    checkFunction('callRcu', 'callback', callback);
    this.userQueue.push(this.periods.request(), callback);
    this.keepTurning();
  }

  /** Resolves when every callback that was passed to `callRcu` so far has run (liburcu: rcu_barrier). */
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
    this.lifecycle.checkNotClosed('poll');
    checkInteger('poll', 'cookie', cookie, 1, this.periods.started + 1);
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
    this.step(); // notices a period that has ended, for which no reader is waited for, and begins the next one if wanted
    return this.heldUpBy();
  }

  /** How many grace periods have ended. */
  get completed(): number {
    return this.periods.completed;
  }

  /** How many callbacks of the embedder wait for their grace period. */
  get pendingCallbacks(): number {
    return this.userQueue.length;
  }

  /**
   * @internal For messages about memory that becomes free after a grace period. Runs no callbacks, so it may be called
   * in the middle of an operation.
   * @returns a description of the readers that delay the period; '' when there are none
   */
  describeHoldouts(): string {
    const readers = this.heldUpBy();
    return readers.length === 0 ? '' : `waiting for ${describeReaders(readers)} to report, go offline or be retired`;
  }

  /**
   * @internal Notices ended periods and runs the engine's own callbacks. Each step of the owner begins with this call.
   */
  step(): void {
    const { completed } = this.periods;
    this.advance();
    if (this.periods.completed > completed) this.keepTurning();
  }

  /**
   * @internal Queues a callback of the engine itself, which runs in the owner's step that notices the end of the
   * period.
   * @returns the period's cookie
   */
  defer(run: () => void): number {
    const cookie = this.hasMemory ? this.periods.request() : this.periods.started + 1;
    this.engineQueue.push(cookie, run);
    this.keepTurning();
    return cookie;
  }

  /** @internal To be called when readers of a thread that is gone were retired. */
  afterRetiring(identity: number, readers: number): void {
    if (readers > 0) this.arena.recorder?.note(Kind.Retire, identity, readers);
    this.step();
  }

  /** @internal @returns the cookie of the first period that begins after everything that the owner has done so far */
  request(): number {
    return this.periods.request();
  }

  /**
   * @internal As `request`, but makes the request when the current step has ended, so that all calls in one step, such
   * as collections of several clients, share a period.
   * @param release one of the engine's own callbacks, for that period
   * @throws (rejects) UsageError when the memory is gone
   */
  requestTogether(operation: string, release?: () => void): Promise<number> {
    if (release !== undefined) this.releases.push(release);
    this.together ??= Promise.resolve().then(() => {
      this.together = undefined;
      const releases = this.releases.splice(0);
      this.lifecycle.checkMemory(operation);
      const cookie = this.periods.request();
      for (const run of releases) this.engineQueue.push(cookie, run);
      return cookie;
    });
    return this.together;
  }

  /**
   * @internal Waits for the period of `cookie`.
   * @param operation the name of the calling operation, for messages
   * @param since when that operation began
   * @param look is called whenever a reader may have reported to this period (`hasReported`), and a last time when all
   *   have
   * @throws (rejects) UsageError when the engine is closed before the period has ended
   */
  async waitFor(
    operation: string,
    cookie: number,
    options: WaitOptions,
    since: number = performance.now(),
    look: () => void = () => {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    this.arena.recorder?.note(Kind.Wait, operationNumber(operation), cookie);
    if (this.endsAtOnce(operation, cookie, look)) return this.breathe();
    const timeoutError = (ms: number): Error => new GracePeriodTimeout(operation, ms, this.holdouts());
    await waitForWake({ options, since, timeoutError }, (wake, fail) => {
      const waiter: Waiter = { operation, cookie, look, wake, fail };
      this.waiters.add(waiter);
      this.keepTurning();
      return () => {
        this.waiters.delete(waiter);
        this.sleepNoLonger();
      };
    });
  }

  /**
   * @internal Waits for some microseconds, within the call.
   * @param look as for `waitFor`
   * @returns true when the period has ended
   * @throws UsageError when the period will never end, because the engine is closed
   */
  endsAtOnce(operation: string, cookie: number, look: () => void): boolean {
    if (this.periods.completed < cookie) this.lifecycle.checkNotClosed(operation);
    const done = (): boolean => {
      quiesceLocalReaders(this.arena);
      this.advance();
      look();
      return this.periods.completed >= cookie;
    };
    const ended = this.spin(done);
    this.keepTurning();
    return ended;
  }

  /**
   * @internal Has the reader at that position of the registry reported to the period of `cookie`, or been offline in
   * it?
   */
  hasReported(position: number, cookie: number): boolean {
    return this.periods.hasReported(Slots.first + position * Slots.size, cookie);
  }

  /**
   * @internal Lets the event loop turn when that is due. Promises alone do not let it turn. A caller that loops over
   * operations that need not wait, or that fail at once, would block timers, sockets and the `exit` events of threads
   * for ever.
   * @returns undefined when a turn is not due yet
   */
  breathe(): Promise<void> | undefined {
    return performance.now() - this.turnedAt < BREATH_MS ? undefined : this.letTurn();
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

  /**
   * @internal Ends the intervals of this thread's readers. Everything that other readers stored before they went
   * offline happens-before the return.
   * @param when for messages: when, or for how long, readers have to be offline
   * @throws UsageError when a reader of another thread is online, or one of this thread is in a section
   */
  checkStopped(operation: string, when = 'until the owner tells it to go on'): void {
    this.lifecycle.check(operation);
    const reader = findLocalReader(this.arena, (candidate) => candidate.inSection);
    if (reader !== undefined) {
      throw new UsageError(`${operation}: reader '${reader.name}' of this thread is inside a read-side section`);
    }
    quiesceLocalReaders(this.arena);
    // ORDER GP-6: OFFLINE is loaded (acquire) before bits are taken, else the copy may lack a store made before
    //   OFFLINE.
    // pairs with: rcu/reader.ts leave
    const online = reportReaders(this.arena).filter((reader) => reader.online && !reader.local);
    if (online.length === 0) return;
    throw new UsageError(
      `${operation}: every reader of another thread must be offline ${when}; online are ${describeReaders(online)}. ` +
        'A thread goes offline by its own offline(...) or goOffline(); the reader of a thread that has ended is removed ' +
        'by supervise(worker) or retire(identity)',
    );
  }

  /** @internal Waits for something that depends on the end of periods, and keeps the event loop turning for it. */
  async holdingFor(wait: Promise<void>): Promise<void> {
    this.holds++;
    this.keepTurning();
    try {
      await wait;
    } finally {
      this.holds--;
      this.sleepNoLonger();
    }
  }

  /**
   * @internal Resolves when all callbacks, the embedder's and the engine's, have run. While the engine closes, only
   * callbacks may add callbacks.
   * @throws (rejects) GracePeriodTimeout, the signal's reason; UsageError for callbacks that do not let the engine
   *   close
   */
  async drain({ options, since }: WaitLimit): Promise<void> {
    this.refusal = undefined;
    for (let generation = 0; generation < MOST_GENERATIONS; generation++) {
      await this.waitFor('close', this.periods.request(), options, since);
      while (this.userQueue.isReady(this.periods.completed)) await this.letTurn();
      if (this.refusal !== undefined) {
        throw new UsageError('close: a callback of callRcu asked for something that a closing engine refuses', {
          cause: this.refusal,
        });
      }
      if (this.userQueue.length === 0) return;
    }
    throw new UsageError(
      `close: callbacks of callRcu have handed over others for ${MOST_GENERATIONS} grace periods; ` +
        'a callback that hands itself over again must stop before the engine can close',
    );
  }

  /** @internal Called once the lifecycle's state is 'closed'. */
  close(): void {
    this.scheduled?.cancel();
    this.sleep.close();
    // `drain` saw these periods end, but no turn has woken their waiters, and none will run now. The others' periods
    // were requested after the last one that `drain` waited for.
    for (const { cookie, look, wake } of this.waiters) {
      if (cookie > this.periods.completed) continue;
      look();
      wake();
    }
    this.giveUp('the engine was closed meanwhile');
    this.periods.finish();
  }

  /** Rejects all waits, because no period will end any more. */
  private giveUp(why: string): void {
    for (const { operation, fail } of this.waiters) fail(new UsageError(`${operation}: ${why}`));
  }

  private heldUpBy(): ReaderReport[] {
    if (!this.hasMemory || !this.periods.running) return [];
    return reportReaders(this.arena, (slot) => !this.periods.isQuiescent(slot));
  }

  private async letTurn(): Promise<void> {
    await new Promise<void>((resolve) => soon(resolve));
    this.turnedAt = performance.now();
  }

  private advance(): void {
    if (!this.hasMemory) return;
    this.periods.poll();
    this.engineQueue.run(this.periods.completed);
  }

  private spin(done: () => boolean): boolean {
    const { completed } = this.periods;
    while (!done()) {
      if (performance.now() >= this.periods.beganAt + this.spinTime.milliseconds) return false;
      this.arena.words.pause();
    }
    if (this.periods.completed > completed) this.spinTime.ended(this.periods.lastedMs, false);
    return true;
  }

  /** False once the memory may not be ours: another engine may use it after close, or growing has detached it. */
  private get hasMemory(): boolean {
    return this.lifecycle.state !== 'closed' && this.arena.words.length > 0;
  }

  private get held(): boolean {
    return this.waiters.size > 0 || this.userQueue.length > 0 || this.holds > 0;
  }

  /** Is there a waiter or a callback whose period has ended? */
  private get isReady(): boolean {
    const { completed } = this.periods;
    for (const { cookie } of this.waiters) if (cookie <= completed) return true;
    return this.userQueue.isReady(completed);
  }

  private keepTurning(): void {
    const { running, beganAt } = this.periods;
    if (this.lifecycle.state === 'closed' || !(this.held || running)) return;
    const age = running ? performance.now() - beganAt : 0;
    // An immediate that does not keep the process alive would not run while the loop is idle, so turns for the engine
    // alone are timers.
    const prompt =
      this.held && (!running || this.isReady || (this.sleep.possible ? !this.sleep.begin() : age < PATIENCE_MS));
    if (this.scheduled !== undefined) {
      if (!prompt || this.scheduled.prompt) {
        if (this.held) this.scheduled.hold();
        return;
      }
      this.scheduled.cancel();
    }
    const milliseconds = this.sleep.asleep ? SLEEP_MS : Math.min(SLEEP_MS, 1 + age / 8);
    this.scheduled = prompt ? soon(this.turn) : later(this.turn, milliseconds, this.held);
  }

  /** Called when a waiter leaves. After the last one nobody need hurry, and the sleep under way has no purpose. */
  private sleepNoLonger(): void {
    if (this.sleep.asleep && !this.held && this.hasMemory) this.sleep.giveUp();
  }

  private readonly turn = (): void => {
    this.scheduled?.cancel();
    this.scheduled = undefined;
    const asleep = this.sleep.end();
    this.turnedAt = performance.now();
    if (this.hasMemory) this.runReady(asleep);
    if (!this.hasMemory) {
      this.giveUp("the engine's memory has been grown"); // before, or by a callback
      return;
    }
    this.watch();
    this.keepTurning();
  };

  /** Wakes the waiters and runs the callbacks whose periods have ended. */
  private runReady(asleep: boolean): void {
    const before = this.periods.completed;
    quiesceLocalReaders(this.arena);
    this.advance();
    const completed = this.periods.completed;
    if (asleep && completed > before) this.spinTime.ended(this.periods.lastedMs, true);
    for (const { cookie, look, wake } of this.waiters) {
      look();
      if (cookie <= completed) wake();
    }
    this.inCallback = true;
    this.userQueue.run(completed, this.callbackThrew);
    this.inCallback = false;
  }

  private readonly callbackThrew = (error: unknown): void => {
    if (this.lifecycle.state === 'closing' && this.lifecycle.hasRefusedWith(error)) this.refusal ??= error;
    else throwInOwnTurn(error);
  };

  /** Kicks the readers of a long period, and reports a stalled period, again after each `stallMs`. */
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
