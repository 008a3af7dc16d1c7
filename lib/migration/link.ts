/**
 * One end of the connection: messages out, messages in, and one reason for which it is of no use any more. Whoever waits
 * for anything during a migration waits through `until`, and so ends when the link does: cut, cancelled, stalled,
 * aborted by the peer or broken.
 *
 * Each end sends `alive` when it has nothing else to say, so silence means that the peer is gone; the sender of RAM also
 * hears how much was taken, so a peer that lives and takes nothing is found too.
 */
import { checkBoolean, wrongType } from '../errors.js';
import { onAbort } from '../rcu/on-abort.js';
import { soon } from '../rcu/turns.js';
import type { Side } from './arbiter.js';
import type { ByteStream } from './byte-stream.js';
import { Flow } from './flow.js';
import { FrameReader, FrameWriter, PREFACE } from './frame.js';
import type { Message } from './message.js';
import { asFailure, MigrationError } from './migration-error.js';

type Handler = (message: Message) => void | Promise<void>;

/** Of the reason that a peer is told, in UTF-16 units: what an embedder's hook throws may be long. */
const LONGEST_REASON = 1000;

/** How long an end that has said goodbye goes on listening, so that the goodbye arrives. */
const LINGER_MS = 1000;

export class Link {
  readonly flow = new Flow();
  private readonly stream: ByteStream;
  private readonly side: Side;
  private readonly stallMs: number;
  private readonly writer = new FrameWriter();
  private readonly reader = new FrameReader();
  private readonly controller = new AbortController();
  private readonly timer: ReturnType<typeof setInterval>;
  private blocked: Promise<void> | undefined;
  private unblock: () => void = () => {};
  private heardAt = performance.now();
  private saidAt = this.heardAt;
  private overdue = false;
  /** Bytes that have come and were dealt with, and how many of them the peer knows of. */
  private received = 0;
  private receipted = 0;
  private aborted = false;
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

  /** Ends the link's use. The first reason counts. */
  fail(error: MigrationError): void {
    this.controller.abort(error);
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
   * @param because for the peer, if it has not given up itself
   */
  async close(because?: string): Promise<void> {
    clearInterval(this.timer);
    this.use(() => this.stream.off('drain', this.onDrain));
    const reason = this.failure?.reason;
    this.fail(new MigrationError('link', 'the migration has ended'));
    if (reason !== 'link' && reason !== 'timeout') {
      if (because !== undefined && !this.aborted) {
        this.write(this.writer.frame({ type: 'abort', because: because.slice(0, LONGEST_REASON) }));
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
        this.heardAt = performance.now();
        if (this.failure !== undefined) {
          // Nobody listens any more, but the peer must not block; nor must a stream that always has more block the timers.
          await new Promise<void>((resolve) => soon(resolve));
          continue;
        }
        if (!(value instanceof Uint8Array)) {
          throw wrongType('migration', 'what the stream gives', value, 'a Uint8Array');
        }
        try {
          await this.dispatch(value, handle);
          this.received += value.length;
          this.receipt();
        } catch (error) {
          this.fail(asFailure(error, 'protocol', 'what the peer said could not be dealt with'));
        }
      }
      const where = this.reader.whole ? '' : ', in the middle of a message';
      this.fail(new MigrationError('link', `the peer closed the connection${where}`));
    } catch (error) {
      this.onError(error);
    }
  }

  private async dispatch(chunk: Uint8Array, handle: Handler): Promise<void> {
    for (const message of this.reader.read(chunk)) {
      if (message.type === 'abort') {
        this.aborted = true;
        const peer = this.side === 'source' ? 'destination' : 'source';
        throw new MigrationError(peer, `the ${peer} gave up: ${message.because}`);
      }
      if (message.type === 'taken' && this.side === 'source') {
        this.flow.acknowledge(message.bytes, performance.now());
      } else if (message.type !== 'alive') {
        const handled = handle(message);
        if (handled !== undefined) await handled;
      }
      if (this.failure !== undefined) return;
    }
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
    const silentMs = now - this.heardAt;
    const stalledMs = this.side === 'source' ? this.flow.stalledMs(now) : 0;
    // Twice in a row: when this thread itself was busy, what has come meanwhile is read before the second time.
    const overdue = silentMs >= this.stallMs || stalledMs >= this.stallMs;
    if (overdue && this.overdue) {
      const what = silentMs >= this.stallMs ? 'the peer said nothing' : 'the peer took nothing';
      this.fail(new MigrationError('timeout', `${what} for ${this.stallMs} ms`));
    }
    this.overdue = overdue;
  }

  private readonly onDrain = (): void => {
    this.blocked = undefined;
    this.unblock();
    this.receipt();
  };

  private readonly onError = (error: unknown): void => this.fail(asFailure(error, 'link', 'the connection was lost'));

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
