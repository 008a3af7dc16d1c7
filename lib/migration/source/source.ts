/** The source's end of a migration: runs it from the call to the decision, and reports its progress. */
import { checkInteger, checkMethods, wrongType } from '../../base/errors.js';
import { Events } from '../../base/events.js';
import { warn } from '../../base/host.js';
import { onAbort } from '../../base/on-abort.js';
import { checkStoppable } from '../../machine/checked-machine.js';
import { checkState } from '../../machine/returned.js';
import { SourceDecision } from '../decision.js';
import { callHook } from '../hook.js';
import type { SourceMachine } from '../machine.js';
import { asFailure, MigrationError } from '../migration-error.js';
import { MismatchAnswers } from '../mismatch.js';
import { checkMigrateOptions, type MigrateOptions, STREAM_METHODS } from '../options.js';
import type { MigrationPhase, MigrationProgress, MigrationResult } from '../progress.js';
import type { ByteStream } from '../wire/byte-stream.js';
import { Link } from '../wire/link.js';
import { MAX_CONTENT, type Message } from '../wire/message.js';
import { checkPeer } from '../wire/peer.js';
import { Replies } from '../wire/replies.js';
import { brakeOf } from './brake.js';
import { Convergence } from './convergence.js';
import { DirtyPages } from './dirty-pages.js';
import { OutgoingRam } from './outgoing-ram.js';
import { PageCache } from './page-cache.js';
import { PageSender } from './page-sender.js';
import { Rounds } from './rounds.js';
import { skipRanges } from './skip-ranges.js';
import { switchOver } from './switch-over.js';
import { CountedPages, describeUncounted, type UncountedPages } from './uncounted.js';
import { Whereabouts } from './whereabouts.js';

/** The names of the events, and what their listeners receive. */
export interface MigrationEvents {
  progress: MigrationProgress;
  uncounted: UncountedPages;
}

const REPORT_MS = 200;

const whereabouts = new Whereabouts();

/**
 * Begins to send a machine to the process at the other end of the stream, which calls `receive` (QEMU: qmp_migrate).
 * Must be called on the thread that owns the engine.
 *
 * The migration is a user of MIGRATION with a dirty set of its own: other users may collect at the same time, and no
 * user misses a page.
 * @throws TypeError, RangeError for bad arguments; UsageError while another migration of the machine is under way, when
 *   the machine has gone, and while it is undecided whether it has gone
 */
export function migrate(machine: SourceMachine, stream: ByteStream, options: MigrateOptions = {}): Migration {
  const checked = checkMigrateOptions(options);
  checkStoppable('migrate', machine);
  checkMethods('migrate', 'stream', stream, STREAM_METHODS);
  const { memory, throttle } = machine;
  if (throttle !== undefined && typeof throttle !== 'function') {
    throw wrongType('migrate', 'machine.throttle', throttle, 'a function');
  }
  whereabouts.checkMayLeave(memory);
  return new Migration(machine, stream, checked);
}

/** A migration under way. Only the owner's thread may use it. */
export class Migration {
  /**
   * Resolves when the machine runs at the destination. The machine here then stays paused for ever; close its engine.
   * Rejects with a MigrationError, which says what became of the machine here.
   */
  readonly result: Promise<MigrationResult>;
  private readonly machine: SourceMachine;
  private readonly options: ReturnType<typeof checkMigrateOptions>;
  private readonly link: Link;
  private readonly replies = new Replies();
  private readonly ram: OutgoingRam;
  private readonly dirty: DirtyPages;
  private readonly sender: PageSender;
  private readonly convergence: Convergence;
  private readonly rounds: Rounds;
  private readonly decision: SourceDecision;
  private readonly mismatch: MismatchAnswers;
  private readonly events = new Events<MigrationEvents>(['progress', 'uncounted']);
  private readonly began = performance.now();
  private readonly stopListening: (() => void) | undefined;
  private phase: MigrationPhase = 'connecting';
  private pausedAt: number | undefined;
  /** Is the machine paused, with digests to compare? */
  private verifying = false;
  private pagesSkipped = 0;
  private reportedAt = 0;

  /** @internal Embedders call `migrate`. */
  constructor(machine: SourceMachine, stream: ByteStream, options: ReturnType<typeof checkMigrateOptions>) {
    const { memory } = machine;
    const { pageSize } = memory;
    const { stallMs, signal, arbiter, downtimeMs } = options;
    this.machine = machine;
    this.options = options;
    this.ram = new OutgoingRam(machine, Math.min(pageSize, MAX_CONTENT));
    const cache = new PageCache(options.cacheBytes, this.ram.unit);
    this.dirty = new DirtyPages(memory);
    this.sender = new PageSender(this.ram, this.dirty, pageSize, cache);
    try {
      this.link = new Link(stream, 'source', stallMs); // the last step that may throw, since a timer runs after it
    } catch (error) {
      this.dirty.end();
      throw error;
    }
    whereabouts.leaves(memory);
    const brake = brakeOf(machine);
    const slowDown = (share: number | undefined, bytesPerSecond: number): Promise<void> =>
      callHook('source', 'throttle', () => brake(share, bytesPerSecond / pageSize));
    this.convergence = new Convergence(options.autoConverge, slowDown, stallMs);
    const counted = machine.throttle === undefined ? new CountedPages(memory) : undefined;
    const warnOf = (uncounted: UncountedPages): void => {
      if (!this.events.emit('uncounted', uncounted))
        warn(`a migration does not slow its guest down: ${describeUncounted(uncounted)}`);
    };
    const { link, ram, dirty, sender, convergence } = this;
    const parts = { link, ram, dirty, sender, convergence, counted, warn: warnOf, pageSize, downtimeMs };
    this.rounds = new Rounds(parts, (boundary) => this.report(boundary));
    this.decision = new SourceDecision(link, this.replies, arbiter, stallMs);
    this.mismatch = new MismatchAnswers(link, ram);
    if (signal?.aborted) this.onAbort();
    this.stopListening = signal && onAbort(signal, this.onAbort);
    this.result = this.run();
  }

  /** Cancels the migration. It has no effect once it is decided which machine runs; `result` tells which. */
  readonly cancel = (): void => this.withdraw(this.cancelled());

  /**
   * Resumes the machine after `result` has rejected as `undecided`; after that it may be migrated again. Call this only
   * when you have found out that the machine does not run at the destination, and never will.
   * @throws (rejects) UsageError unless this migration left its machine undecided; what the machine's `resume` throws,
   *   and then `takeBack` may be called again
   */
  async takeBack(): Promise<void> {
    const { machine } = this;
    await whereabouts.takeBack(machine.memory, this, async () => machine.resume());
  }

  /**
   * Adds a listener. 'progress': see MigrationProgress. 'uncounted', emitted at most once: vCPUs are slowed down by
   * limits, but most of the dirtied pages are counted by no reader, so no limit holds them; without a listener the
   * host's warning is used. Each listener runs in a microtask of its own.
   */
  on<Name extends keyof MigrationEvents>(event: Name, listener: (event: MigrationEvents[Name]) => void): void {
    this.events.on(event, listener);
  }

  /** Removes a listener that `on` added. */
  off<Name extends keyof MigrationEvents>(event: Name, listener: (event: MigrationEvents[Name]) => void): void {
    this.events.off(event, listener);
  }

  /**
   * Says that the contents of the whole pages within these bytes do not matter: a balloon has the pages, the guest has
   * said that they are free, or a device discarded them (QEMU: qemu_guest_free_page_hint). The pages are not sent, and
   * are zero at the destination, unless they are written again after this has resolved. So the caller must make sure
   * that nobody uses them until it resolves. This is only a hint: pages that the destination has not been told of yet
   * are still sent, and when the machine is paused it is too late.
   * @returns how many pages were newly given away
   * @throws (rejects) TypeError, RangeError; the error that has ended the migration
   */
  async skip(start: number, length: number): Promise<number> {
    checkInteger('skip', 'start', start, 0, Number.MAX_SAFE_INTEGER);
    checkInteger('skip', 'length', length, 0, Number.MAX_SAFE_INTEGER - start);
    let pages = 0;
    try {
      await this.dirty.drop(() => {
        if (this.phase !== 'copying') return [];
        const skipped = skipRanges(this.ram, this.machine.memory.pageSize, start, length);
        pages = skipped.pages;
        return skipped.ranges;
      });
    } catch (error) {
      // Pages may have left the set already and would never be sent, although the caller has not given them away.
      const failure = asFailure(error, 'source', 'skip failed');
      this.withdraw(failure);
      throw failure;
    }
    this.pagesSkipped += pages;
    return pages;
  }

  /** How far the migration has come. */
  get progress(): MigrationProgress {
    const { rounds, dirty, link, convergence } = this;
    const ended = this.link.signal.aborted;
    return {
      ...this.totals,
      phase: this.phase,
      round: rounds.round,
      remainingPages: ended ? 0 : dirty.toSend.pages,
      dirtyPagesPerSecond: rounds.dirtyPagesPerSecond,
      bytesPerSecond: link.flow.bytesPerSecond,
      expectedDowntimeMs: ended ? 0 : rounds.expectedDowntimeMs,
      throttle: convergence.share,
    };
  }

  private get totals() {
    const perPage = this.machine.memory.pageSize / this.ram.unit;
    const { sent, zero, unchanged } = this.sender.counts;
    return {
      pagesSent: sent / perPage,
      pagesZero: zero / perPage,
      pagesUnchanged: unchanged / perPage,
      pagesSkipped: this.pagesSkipped,
      bytesSent: this.link.flow.sent,
    };
  }

  private async run(): Promise<MigrationResult> {
    let failure: MigrationError | undefined;
    try {
      return await this.attempt();
    } catch (error) {
      failure = this.mismatch.explain(asFailure(error, 'source', 'the source failed'));
      throw failure;
    } finally {
      await this.end(failure);
    }
  }

  private async attempt(): Promise<MigrationResult> {
    const { link, replies, rounds, machine, options } = this;
    const hello = replies.expect('hello');
    link.listen((message) => this.take(message));
    const { pageSize } = machine.memory;
    await link.send({ type: 'hello', from: 'source', pageSize, arbiter: options.arbiter !== undefined });
    checkPeer(await link.until(hello), 'destination', pageSize, options.arbiter);
    await this.dirty.begin({ signal: link.signal, timeoutMs: options.stallMs });
    this.enter('copying');
    await rounds.run();
    this.enter('switching');
    // This comes first, because vCPUs that sleep under a limit would not notice the pause.
    await this.convergence.release();
    this.pausedAt = performance.now();
    await callHook('source', 'pause', () => machine.pause());
    const verify = options.verify ?? machine.memory.ram.bytes <= options.downtimeMs * 2 ** 20;
    this.verifying = verify;
    const saveState = () => callHook('source', 'saveState', async () => checkState(await machine.saveState()));
    const { ram, dirty, sender } = this;
    const confirmed = await switchOver({
      ...{ link, rounds, ram, dirty, sender, verify, saveState },
      decide: () => this.decide(),
    });
    const now = performance.now();
    const downtimeMs = now - this.pausedAt;
    const totalMs = now - this.began;
    return { ...this.totals, rounds: rounds.round, downtimeMs, totalMs, verified: verify, confirmed };
  }

  private take(message: Message): void {
    // Questions are answered only while the machine is paused: RAM of a running machine may have changed since.
    if (message.type === 'inspect' && this.verifying) this.mismatch.answer(message);
    else if (message.type === 'differs' && this.verifying) this.mismatch.note(message);
    else this.replies.take(message);
  }

  private async decide(): Promise<boolean> {
    this.enter('deciding');
    // The listener is added before the machine is handed over, because a closing engine refuses the listener, and from
    // `end` on only the decision may end the migration (MG-1).
    const { onHotplug } = this;
    const stopWatching = this.machine.memory.ram.addListener({
      ...{ plugged: onHotplug, unplugged: onHotplug, resized: onHotplug },
      ...{ discarded: onHotplug, populated: onHotplug },
    });
    return this.decision.reach().finally(stopWatching);
  }

  /** Ends the migration in any case: gives the vCPUs their time back, and resumes a machine that is to run here. */
  private async end(failure: MigrationError | undefined): Promise<void> {
    const { machine, link } = this;
    this.decision.binding = true;
    this.stopListening?.();
    link.close(failure);
    this.dirty.end();
    const stays = failure !== undefined && failure.reason !== 'undecided';
    try {
      await this.convergence.release();
    } finally {
      try {
        if (this.pausedAt !== undefined && stays) await callHook('source', 'resume', () => machine.resume());
      } finally {
        // Only after `resume`: a new migration might pause the machine while this one still resumes it.
        if (stays) whereabouts.stays(machine.memory);
        else whereabouts.left(machine.memory, failure === undefined ? 'gone' : this);
      }
    }
  }

  private cancelled(options?: ErrorOptions): MigrationError {
    const told = 'the migration was cancelled';
    return new MigrationError('cancelled', `${told}${this.rounds.obstacle}`, { told, ...options });
  }

  private readonly onAbort = (): void => {
    this.withdraw(this.cancelled({ cause: this.options.signal?.reason }));
  };

  private readonly onHotplug = (): void => {
    if (this.ram.behind)
      this.withdraw(new MigrationError('source', 'RAM came or went while the machine was handed over'));
  };

  private withdraw(reason: MigrationError): void {
    if (!this.decision.binding) this.link.fail(reason);
  }

  private enter(phase: MigrationPhase): void {
    this.phase = phase;
    this.report(true);
  }

  private report(now: boolean): void {
    const at = performance.now();
    if (!now && at - this.reportedAt < REPORT_MS) return;
    this.reportedAt = at;
    this.events.emit('progress', this.progress);
  }
}
