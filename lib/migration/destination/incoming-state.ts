/** The arriving state of the machine apart from its RAM: a seal announces it, pieces follow, and `end` completes it. */
import { breach, MigrationError } from '../migration-error.js';
import { type MessageOf, MOST_SEALS } from '../wire/message.js';

export class IncomingState {
  private readonly maxBytes: number;
  private expected: number | undefined;
  /**
   * Grows with the bytes received: an announced length alone takes no memory, and many small pieces take no more than
   * few large ones.
   */
  private buffer = new Uint8Array();
  private received = 0;
  private seals = 0;
  /** Does the source send digests? */
  verify = false;
  /** Has `end` come, so that the machine is whole? */
  ended = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Begins the state after a seal, which says that all RAM is there. */
  begin({ stateBytes, verify }: MessageOf<'seal'>): void {
    if (stateBytes > this.maxBytes) {
      throw new MigrationError('destination', `a state of ${stateBytes} bytes; maxStateBytes is ${this.maxBytes}`);
    }
    // After each seal this end may have to digest RAM that has changed.
    if (++this.seals > MOST_SEALS) throw breach(`RAM was sealed more than ${MOST_SEALS} times`);
    this.reopen();
    this.expected = stateBytes;
    this.verify = verify;
  }

  /** To be called when more RAM comes: the last seal and the state after it no longer count. */
  reopen(): void {
    if (this.ended) throw new MigrationError('protocol', 'something came after the end');
    this.expected = undefined;
    this.buffer = new Uint8Array();
    this.received = 0;
  }

  add(bytes: Uint8Array): void {
    const { received, expected = -1 } = this;
    const end = received + bytes.length;
    if (this.ended || end > expected || bytes.length === 0) {
      throw new MigrationError('protocol', 'a piece of state that was not announced');
    }
    if (end > this.buffer.length) {
      const larger = new Uint8Array(Math.min(expected, Math.max(end, this.buffer.length * 2)));
      larger.set(this.buffer.subarray(0, received));
      this.buffer = larger;
    }
    this.buffer.set(bytes, received);
    this.received = end;
  }

  /** Completes the state. @throws MigrationError when a piece of it is missing */
  end(): void {
    if (this.ended || this.expected !== this.received) throw new MigrationError('protocol', 'the machine is not whole');
    this.ended = true;
  }

  /** The whole state. To be called only after `end`. */
  bytes(): Uint8Array {
    return this.buffer;
  }
}
