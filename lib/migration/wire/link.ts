/**
 * One end of the connection: it sends messages, receives messages, and has one failure, after which it can no longer be
 * used. Every wait during a migration goes through `until`, and so ends when the link fails: because it is cut,
 * cancelled or broken, or because the peer stalls or aborts.
 *
 * Each end sends `alive` when it has nothing else to say, so silence means that the peer is gone. The sender of RAM
 * also hears how much was taken, so it notices a peer that lives and takes nothing. Only a whole message, or a good
 * part of a large one, counts as a sign of life, not single bytes now and then. `alive` messages alone suffice only for
 * a while.
 */
import { isUint8Array } from '../../base/brands.js';
import { checkBoolean, show } from '../../base/errors.js';
import { onAbort } from '../../base/on-abort.js';
import { printable } from '../../base/printable.js';
import { Stint } from '../../base/stint.js';
import type { Side } from '../arbiter.js';
import { asFailure, failureOf, MigrationError } from '../migration-error.js';
import type { ByteStream } from './byte-stream.js';
import { Flow } from './flow.js';
import { FrameReader, FrameWriter, PREFACE } from './frame.js';
import { type Message, reasonOf } from './message.js';

type Handler = (message: Message) => void | Promise<void>;

/** Messages show at most this many UTF-16 units of the reason that the peer gives for giving up. */
const LONGEST_REASON = 200;

/** How long an end that has ended its stream goes on reading, so that its last messages arrive. */
const LINGER_MS = 1000;

/** How many bytes of an incomplete message count as a sign of life. */
const HEARD_BYTES = 2 ** 12;

/** For how many times `stallMs` a peer may send only `alive` messages. One of its hooks may take that long. */
const IDLE_STALLS = 8;

export class Link {
  readonly flow = new Flow();
  private readonly stream: ByteStream;
  private readonly side: Side;
  private readonly stallMs: number;
  private readonly writer = new FrameWriter();
  private readonly reader = new FrameReader();
  private readonly controller = new AbortController();
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly stint = new Stint();
  private blocked: Promise<void> | undefined;
  private unblock: () => void = () => {};
  private heardAt = performance.now();
  private heardBytes = 0;
  private saidAt = this.heardAt;
  private overdue = false;
  /** When the last message of the peer that advances the migration was handled. */
  private progressAt = this.heardAt;
  /** Is a message being handled? */
  private handling = false;
  private greeted = false;
  /** How many received bytes were handled, and how many of them the peer has been told of. */
  private received = 0;
  private receipted = 0;
  /** Has the peer said that it has given up? It cannot take that back. */
  private abortHeard = false;
  /** True when the peer cannot receive an `abort` any more. */
  private cutOff = false;
  private destroyed = false;
  private peerGone: Promise<void> = Promise.resolve();

  /** @param side which end this is; the destination tells how much it has taken */
  constructor(stream: ByteStream, side: Side, stallMs: number) {
    this.stream = stream;
    this.side = side;
    this.stallMs = stallMs;
    stream.on('drain', this.onDrain);
    stream.on('error', this.onError); // never removed: an error after the end must not become an uncaught one
    this.use(() => stream.setNoDelay?.(true));
    this.timer = setInterval(() => this.watch(), Math.max(1, stallMs / 4));
    this.write(PREFACE);
  }

  /** A signal that aborts, with the failure as its reason, when the link can no longer be used. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get failure(): MigrationError | undefined {
    return this.signal.aborted ? (this.signal.reason as MigrationError) : undefined;
  }

  /** Has the peer said that it has given up for good? */
  get peerGaveUp(): boolean {
    return this.abortHeard;
  }

  /** Makes the link fail. Only the first failure counts. */
  fail(error: MigrationError): void {
    this.controller.abort(error);
  }

  /** Has the migration worked for so long that the event loop should get a turn? Then the caller should `rest`. */
  get isTiring(): boolean {
    return this.stint.isOver;
  }

  /** Resolves in a later turn of the event loop. @throws (rejects) the failure */
  async rest(): Promise<void> {
    await this.until(this.stint.rest());
  }

  /**
   * Passes every message that comes to `handle`, each after the promise of the previous call has settled. An error that
   * `handle` throws becomes the link's failure.
   */
  listen(handle: Handler): void {
    this.peerGone = this.pump(handle);
  }

  /** Writes a message; resolves when more may be written. @throws (rejects) the failure */
  async send(message: Message): Promise<void> {
    this.sendNow(message);
    await this.writable();
  }

  /** Writes a message within the call. @throws the failure */
  sendNow(message: Message): void {
    if (this.failure !== undefined) throw this.failure;
    this.write(this.writer.frame(message));
  }

  async writable(): Promise<void> {
    if (this.blocked !== undefined) await this.until(this.blocked);
  }

  /** Waits for a promise. @throws (rejects) the link's failure, if the link fails first */
  until<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const give = (): void => reject(signal.reason);
      if (signal.aborted) give();
      const stopListening = onAbort(signal, give);
      promise.then(resolve, reject).finally(stopListening);
    });
  }

  /**
   * Ends the stream, and destroys it when the peer has ended it too, or a second later.
   * @param why the error whose `told` text is sent to the peer, unless the peer itself has given up
   */
  async close(why?: MigrationError): Promise<void> {
    clearInterval(this.timer);
    this.use(() => this.stream.off('drain', this.onDrain));
    this.fail(new MigrationError('link', 'the migration has ended'));
    if (!this.cutOff) {
      if (why !== undefined && !this.abortHeard) {
        this.write(this.writer.frame({ type: 'abort', because: reasonOf(why.told) }));
      }
      this.use(() => this.stream.end());
      let timer: ReturnType<typeof setTimeout> | undefined;
      const enough = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LINGER_MS);
      });
      await Promise.race([this.peerGone, enough]);
      clearTimeout(timer);
    }
    this.destroyed = true;
    this.use(() => this.stream.destroy());
  }

  private async pump(handle: Handler): Promise<void> {
    try {
      const chunks = this.stream[Symbol.asyncIterator]();
      // No `for await`, because leaving it would destroy the stream together with the last messages.
      for (;;) {
        const { done, value } = await chunks.next();
        if (done === true || this.destroyed) break;
        if (this.failure !== undefined) {
          // Nobody listens any more, but bytes are still read so that the peer does not block. The rest gives timers a
          // turn, even if the stream always has more bytes.
          await this.stint.rest();
          continue;
        }
        if (!isUint8Array(value)) {
          const got = typeof value === 'string' ? 'text' : show(value);
          throw new TypeError(`migration: what the stream gives must be a Uint8Array, got ${got}`);
        }
        this.hear(value.length);
        try {
          await this.dispatch(value, handle);
          this.received += value.length;
          this.receipt();
        } catch (error) {
          this.fail(asFailure(error, 'protocol', 'what the peer said could not be dealt with'));
        }
      }
      const where = this.reader.whole ? '' : ', in the middle of a message';
      this.cutOff ||= this.failure === undefined;
      this.fail(new MigrationError('link', `the peer closed the connection${where}`));
    } catch (error) {
      this.onError(error);
    }
  }

  /** Handles the messages of a chunk, one after the other. A chunk may have many, and each may take long. */
  private async dispatch(chunk: Uint8Array, handle: Handler): Promise<void> {
    for (const message of this.reader.read(chunk)) {
      if (message.type !== 'alive') {
        const dealt = this.deal(message, handle);
        if (dealt !== undefined) await this.await(dealt);
        if (message.type !== 'taken') this.progressAt = performance.now();
      }
      this.heardAt = performance.now();
      this.heardBytes = 0;
      if (this.stint.isOver) await this.stint.rest();
      if (this.failure !== undefined) return;
    }
  }

  private deal(message: Exclude<Message, { type: 'alive' }>, handle: Handler): void | Promise<void> {
    if (message.type === 'abort') {
      this.abortHeard = true;
      const peer = this.side === 'source' ? 'destination' : 'source';
      throw new MigrationError(peer, `the ${peer} gave up: ${printable(message.because, LONGEST_REASON)}`);
    }
    if (message.type === 'taken' && this.side === 'source') {
      return this.flow.acknowledge(message.bytes, performance.now());
    }
    this.greeted = true;
    return handle(message);
  }

  private async await(dealt: Promise<void>): Promise<void> {
    this.handling = true;
    try {
      await dealt;
    } finally {
      this.handling = false;
    }
  }

  private hear(bytes: number): void {
    this.heardBytes += bytes;
    if (this.heardBytes < HEARD_BYTES) return;
    this.heardAt = performance.now();
    this.heardBytes = 0;
  }

  /** Tells the source how many bytes were taken. While the stream is blocked, this waits until it is not. */
  private receipt(): void {
    if (this.side === 'source' || this.blocked !== undefined || this.receipted === this.received) return;
    this.receipted = this.received;
    if (this.failure === undefined) this.sendNow({ type: 'taken', bytes: this.received });
  }

  private write(bytes: Uint8Array): void {
    const now = performance.now();
    this.saidAt = now;
    this.flow.wrote(bytes.length, now);
    const free = this.use(() => checkBoolean('migration', "what the stream's write returns", this.stream.write(bytes)));
    if (free !== false) return;
    this.blocked ??= new Promise((resolve) => {
      this.unblock = resolve;
    });
  }

  private watch(): void {
    if (this.failure !== undefined) return;
    const now = performance.now();
    if (this.blocked === undefined && now - this.saidAt >= this.stallMs / 4) this.sendNow({ type: 'alive' });
    const stall = this.stalled(now);
    // A stall counts only when it is seen twice in a row. If this thread itself was busy, it reads what has come
    // meanwhile before the second time.
    if (stall !== undefined && this.overdue) {
      this.cutOff = !stall.hears;
      this.fail(new MigrationError('timeout', stall.what));
    }
    this.overdue = stall !== undefined;
  }

  /** @returns undefined, or `what` the peer fails to do, and whether it could still receive an `abort` (`hears`) */
  private stalled(now: number): { readonly what: string; readonly hears: boolean } | undefined {
    const { stallMs, side } = this;
    if (this.handling) return undefined; // this end reads nothing more meanwhile
    if (now - this.heardAt >= stallMs) return { what: `the peer said nothing for ${stallMs} ms`, hears: false };
    if (side === 'source' && this.flow.stalledMs(now) >= stallMs) {
      return { what: `the peer took nothing for ${stallMs} ms`, hears: false };
    }
    // A destination that has sent its greeting has nothing to say until the end.
    const idleMs = IDLE_STALLS * stallMs;
    if ((side === 'source' && this.greeted) || now - this.progressAt < idleMs) return undefined;
    return { what: `the peer said only that it is alive for ${idleMs} ms`, hears: true };
  }

  private readonly onDrain = (): void => {
    this.blocked = undefined;
    this.unblock();
    this.receipt();
  };

  private readonly onError = (error: unknown): void => {
    this.cutOff = true;
    this.fail(failureOf(error, 'link', 'the connection was lost'));
  };

  /** Calls the stream. An error that it throws counts as the loss of the connection. */
  private use<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.onError(error);
      return undefined;
    }
  }
}
