/**
 * One end of the connection: messages out, messages in, and one reason for which it is of no use any more. Whoever waits
 * for anything during a migration waits through `until`, and so ends when the link does: cut, cancelled, stalled,
 * aborted by the peer or broken.
 *
 * Each end sends `alive` when it has nothing else to say, so silence means that the peer is gone; the sender of RAM also
 * hears how much was taken, so a peer that lives and takes nothing is found too. What counts as hearing from the peer is a whole message,
 * or a good part of a large one, and not a byte now and then; and `alive` alone does for a while only.
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

/** Of what the peer says why it has given up, in UTF-16 units. */
const LONGEST_REASON = 200;

/** How long an end that has said goodbye goes on listening, so that the goodbye arrives. */
const LINGER_MS = 1000;

/** In bytes: so much of a message counts as hearing from the peer, before all of it has come. */
const HEARD_BYTES = 2 ** 12;

/** How many times as long as it may be silent a peer may say no more than that it is alive: a hook of its own may take that long. */
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
  /** When the peer last said something that gets the migration any further, and that was dealt with. */
  private progressAt = this.heardAt;
  /** A message is being dealt with. */
  private handling = false;
  private greeted = false;
  /** Bytes that have come and were dealt with, and how many of them the peer knows of. */
  private received = 0;
  private receipted = 0;
  /** The peer has said that it has given up, which is for good. */
  private abortHeard = false;
  /** Nobody would hear a goodbye. */
  private cutOff = false;
  private destroyed = false;
  private peerGone: Promise<void> = Promise.resolve();

  /** @param side which end this is; the destination tells how much it has taken */
  constructor(stream: ByteStream, side: Side, stallMs: number) {
    this.stream = stream;
    this.side = side;
    this.stallMs = stallMs;
    stream.on('drain', this.onDrain);
    stream.on('error', this.onError); // for ever: one that comes after the end must not become uncaught
    this.use(() => stream.setNoDelay?.(true));
    this.timer = setInterval(() => this.watch(), Math.max(1, stallMs / 4));
    this.write(PREFACE);
  }

  /** Aborted, with the failure as its reason, when the link is of no use any more. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get failure(): MigrationError | undefined {
    return this.signal.aborted ? (this.signal.reason as MigrationError) : undefined;
  }

  /** The peer has given up for good, and has said so. */
  get peerGaveUp(): boolean {
    return this.abortHeard;
  }

  /** Ends the link's use. The first reason counts. */
  fail(error: MigrationError): void {
    this.controller.abort(error);
  }

  /** Has this thread worked for the migration so long that others should have a turn? Then `rest`. */
  get isTiring(): boolean {
    return this.stint.isOver;
  }

  /** Resolves in a later turn of the event loop. @throws (rejects) the failure */
  async rest(): Promise<void> {
    await this.until(this.stint.rest());
  }

  /**
   * Hands over every message that comes, the next when what `handle` returned has settled. An error that it throws is the
   * link's failure.
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

  /** @throws (rejects) the link's failure, if that comes first */
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
   * @param why for the peer, if it has not given up itself: only what it may be told
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
      // By hand: leaving a `for` would destroy the stream, and with it what was said last.
      for (;;) {
        const { done, value } = await chunks.next();
        if (done === true || this.destroyed) break;
        if (this.failure !== undefined) {
          // Nobody listens any more, but the peer must not block; nor must a stream that always has more block the timers.
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

  /** Many messages may have come at once, and each may take long. */
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

  /** Tells the source what was taken; while the stream is blocked, only when it is not any more. */
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
    // Twice in a row: when this thread itself was busy, what has come meanwhile is read before the second time.
    if (stall !== undefined && this.overdue) {
      this.cutOff = !stall.hears;
      this.fail(new MigrationError('timeout', stall.what));
    }
    this.overdue = stall !== undefined;
  }

  /** @returns what the peer does not do, and whether it would hear a goodbye */
  private stalled(now: number): { readonly what: string; readonly hears: boolean } | undefined {
    const { stallMs, side } = this;
    if (this.handling) return undefined; // nothing more is read meanwhile
    if (now - this.heardAt >= stallMs) return { what: `the peer said nothing for ${stallMs} ms`, hears: false };
    if (side === 'source' && this.flow.stalledMs(now) >= stallMs) {
      return { what: `the peer took nothing for ${stallMs} ms`, hears: false };
    }
    // A destination that has greeted has nothing to say until the end.
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

  /** What the stream throws is the loss of the connection, wherever it is called from. */
  private use<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.onError(error);
      return undefined;
    }
  }
}
