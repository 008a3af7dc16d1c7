/** The state of the machine apart from its RAM, as it arrives: sealed, then in pieces, then ended. */
import type { MessageOf } from './message.js';
import { MigrationError } from './migration-error.js';

export class IncomingState {
  private readonly maxBytes: number;
  private expected: number | undefined;
  private pieces: Uint8Array[] = [];
  private received = 0;
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
    this.reopen();
    this.expected = stateBytes;
    this.verify = verify;
  }

  /** More RAM came: what was sealed is not any more. */
  reopen(): void {
    if (this.ended) throw new MigrationError('protocol', 'something came after the end');
    this.expected = undefined;
    this.pieces = [];
    this.received = 0;
  }

  add(bytes: Uint8Array): void {
    this.received += bytes.length;
    if (this.ended || this.expected === undefined || this.received > this.expected || bytes.length === 0) {
      throw new MigrationError('protocol', 'a piece of state that was not announced');
    }
    this.pieces.push(bytes.slice());
  }

  /** @throws MigrationError when something is missing */
  end(): void {
    if (this.ended || this.expected !== this.received) throw new MigrationError('protocol', 'the machine is not whole');
    this.ended = true;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.received);
    let at = 0;
    for (const piece of this.pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }
}
