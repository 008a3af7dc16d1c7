/** The state of the machine apart from its RAM, as it arrives: sealed, then in pieces, then ended. */
import { breach, MigrationError } from '../migration-error.js';
import { type MessageOf, MOST_SEALS } from '../wire/message.js';

export class IncomingState {
  private readonly maxBytes: number;
  private expected: number | undefined;
  /** Grows with what has come: a length that is only said takes no memory, nor do many small pieces take more than few. */
  private buffer = new Uint8Array();
  private received = 0;
  private seals = 0;
  /** Digests come with it. */
  verify = false;
  /** The machine is whole. */
  ended = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** All RAM is there. */
  begin({ stateBytes, verify }: MessageOf<'seal'>): void {
    if (stateBytes > this.maxBytes) {
      throw new MigrationError('destination', `a state of ${stateBytes} bytes; maxStateBytes is ${this.maxBytes}`);
    }
    // Each may have this end digest RAM that has changed.
    if (++this.seals > MOST_SEALS) throw breach(`RAM was sealed more than ${MOST_SEALS} times`);
    this.reopen();
    this.expected = stateBytes;
    this.verify = verify;
  }

  /** More RAM came: what was sealed is not any more. */
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

  /** @throws MigrationError when something is missing */
  end(): void {
    if (this.ended || this.expected !== this.received) throw new MigrationError('protocol', 'the machine is not whole');
    this.ended = true;
  }

  /** When it has ended. */
  bytes(): Uint8Array {
    return this.buffer;
  }
}
