/** The source's end of a migration: its life, from the call to the decision, and what of it is shown. */
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

/** What `on` may be asked for, and what a listener is given. */
export interface MigrationEvents {
  progress: MigrationProgress;
  uncounted: UncountedPages;
}

const REPORT_MS = 200;

const whereabouts = new Whereabouts();

/**
 * Begins to send a machine to the process at the other end of the stream, which calls `receive`. Called on the thread that
 * owns the engine. (QEMU: qmp_migrate.)
 *
 * The migration is a user of MIGRATION with a dirty set of its own: others collect beside it, and neither misses a page.
 * @throws TypeError, RangeError for bad arguments; UsageError while a migration of the machine is under way, when the machine
 *   has gone, and while it is not decided whether it has
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

/** A machine on its way. Of the owner's thread alone. */
export class Migration {
  /**
   * Resolves when the other machine runs: this one stays paused, for ever, and is to be given up. Rejects with a
   * MigrationError, which says what is true of this machine then.
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
  /** The machine is paused, and digests are compared. */
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
      this.link = new Link(stream, 'source', stallMs); // the last that may throw: a timer runs from here on
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

  /** Gives up. No effect once it is decided which machine runs; then `result` tells. */
  readonly cancel = (): void => this.withdraw(new MigrationError('cancelled', 'the migration was cancelled'));

  /**
   * Of a migration whose `result` has rejected as `undecided`, when it was found out that the machine does not run elsewhere, and never
   * will: it is resumed, and may be migrated again.
   * @throws (rejects) UsageError of any other migration; what the machine's `resume` throws, and then it may be called again
   */
  async takeBack(): Promise<void> {
    const { machine } = this;
    await whereabouts.takeBack(machine.memory, this, async () => machine.resume());
  }

  /**
   * 'progress': see MigrationProgress. 'uncounted', once: vCPUs are slowed down by limits, and most of what is dirtied is
   * counted by nobody, so no limit holds it; without a listener the host is warned. Listeners run in turns of their own.
   */
  on<Name extends keyof MigrationEvents>(event: Name, listener: (event: MigrationEvents[Name]) => void): void {
    this.events.on(event, listener);
  }

  /** Ends what `on` began. */
  off<Name extends keyof MigrationEvents>(event: Name, listener: (event: MigrationEvents[Name]) => void): void {
    this.events.off(event, listener);
  }

  /**
   * The contents of the whole pages within the bytes do not matter: a balloon has them, the guest has said that they are
   * free, or a device discarded them. They are not sent, and are zero at the destination, unless they are written again
   * after this has resolved. So whoever gives them away must keep them from being used until then. A hint: pages that the
   * destination has not been told of yet are sent, and when the machine is paused it is too late. (QEMU:
   * qemu_guest_free_page_hint.)
   * @returns how many pages were given away that were not before
   * @throws (rejects) TypeError, RangeError; what has ended the migration
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
      // Pages may have left the set already: they would not be sent any more, and the caller keeps them.
      const failure = asFailure(error, 'source', 'skip failed');
      this.withdraw(failure);
      throw failure;
    }
    this.pagesSkipped += pages;
    return pages;
  }

  /** How far it is. */
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
    // First: vCPUs that sleep for a limit would not hear of the pause.
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
    // What is asked of a machine that runs would say nothing of what it was.
    if (message.type === 'inspect' && this.verifying) this.mismatch.answer(message);
    else if (message.type === 'differs' && this.verifying) this.mismatch.note(message);
    else this.replies.take(message);
  }

  private async decide(): Promise<boolean> {
    this.enter('deciding');
    // Before the machine is handed over: a closing engine refuses it, and from `end` on only the decision may end this (MG-1).
    const { onHotplug } = this;
    const stopWatching = this.machine.memory.ram.addListener({
      ...{ plugged: onHotplug, unplugged: onHotplug, resized: onHotplug },
      ...{ discarded: onHotplug, populated: onHotplug },
    });
    return this.decision.reach().finally(stopWatching);
  }

  /** Whatever happened: the vCPUs have their time back, and a machine that is to run here runs. */
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
        // Not before: the next one might pause while this one resumes.
        if (stays) whereabouts.stays(machine.memory);
        else whereabouts.left(machine.memory, failure === undefined ? 'gone' : this);
      }
    }
  }

  private readonly onAbort = (): void => {
    const cause = this.options.signal?.reason;
    this.withdraw(new MigrationError('cancelled', 'the migration was cancelled', { cause }));
  };

  private readonly onHotplug = (): void => {
    if (this.ram.behind)
      this.withdraw(new MigrationError('source', 'RAM came or went when the machine was handed over'));
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
