/**
 * The encoding of messages as bytes. A stream begins with eight bytes that identify the protocol, and the version.
 * Frames follow, all numbers little-endian:
 *
 *     length of the fields (32 bits) | type (32) | sequence (32) | checksum (32) | the fields, padded to a multiple of
 *     16
 *
 * The checksum covers the whole frame except the checksum itself. The sequence counts up from 0, so that a missing or
 * repeated frame is noticed. A length is checked against the longest message of its type before anything of the message
 * is read. Frames are assembled in one buffer, which is as large as the longest frame, so a peer cannot make a reader
 * allocate memory.
 */

import { Digest } from '../../machine/digest.js';
import { MigrationError } from '../migration-error.js';
import {
  codeOf,
  decodeFields,
  encodeFields,
  longestFields,
  MAX_CONTENT,
  type Message,
  WIRE_VERSION,
} from './message.js';

/** The longest fields of any message, in bytes. */
const MAX_FIELDS = MAX_CONTENT + 64;
const HEAD = 16;
const CHECKSUM_WORD = 3;
/** The first bytes of a stream. */
export const PREFACE = new TextEncoder().encode(`dmtymigr${String.fromCharCode(WIRE_VERSION)}\0\0\0\0\0\0\0`);

/** Writes one direction of a stream, after its preface. */
export class FrameWriter {
  private sequence = 0;

  /** @returns the bytes to send, which the caller may keep */
  frame(message: Message): Uint8Array {
    const { bytes, length } = encodeFields(message, HEAD, HEAD);
    if (length > MAX_FIELDS) throw new RangeError(`a message of ${length} bytes; at most ${MAX_FIELDS} are allowed`);
    const words = new Int32Array(bytes.buffer);
    const head = new DataView(bytes.buffer);
    head.setUint32(0, length, true);
    head.setUint32(4, codeOf(message.type), true);
    head.setUint32(8, this.sequence, true);
    head.setUint32(12, checksum(words, words.length), true);
    this.sequence = (this.sequence + 1) >>> 0;
    return bytes;
  }
}

/** Reads one direction of a stream, however it is cut into chunks. */
export class FrameReader {
  private readonly bytes = new Uint8Array(HEAD + padded(MAX_FIELDS));
  private readonly words = new Int32Array(this.bytes.buffer);
  private readonly head = new DataView(this.bytes.buffer);
  private filled = 0;
  private prefaced = false;
  private sequence = 0;

  /**
   * Yields the messages that the chunk completes. The contents of a message must be used before the next one is
   * requested.
   * @throws MigrationError when the bytes are not what a FrameWriter writes
   */
  *read(chunk: Uint8Array): Generator<Message> {
    for (let at = 0; at < chunk.length; ) {
      const wanted = this.wanted();
      const part = chunk.subarray(at, at + wanted - this.filled);
      this.bytes.set(part, this.filled);
      this.filled += part.length;
      at += part.length;
      if (this.filled < wanted) return;
      if (!this.prefaced) this.checkPreface();
      else if (wanted === this.wanted()) yield this.take(wanted);
    }
  }

  /** Is the stream between two frames? */
  get whole(): boolean {
    return this.prefaced && this.filled === 0;
  }

  /** How many bytes must be in the buffer for the next step: first a head, then the whole frame. */
  private wanted(): number {
    if (!this.prefaced) return PREFACE.length;
    if (this.filled < HEAD) return HEAD;
    const length = this.head.getUint32(0, true);
    const longest = longestFields(this.head.getUint32(4, true));
    if (longest === undefined) throw broken('an unknown type of message');
    if (length > longest) throw broken(`a frame of ${length} bytes; at most ${longest} are allowed`);
    return HEAD + padded(length);
  }

  private checkPreface(): void {
    const at = PREFACE.findIndex((byte, i) => this.bytes[i] !== byte);
    if (at >= 0 && at < 8) throw new MigrationError('protocol', 'not a dirtymem migration stream');
    if (at >= 0) {
      const theirs = this.bytes[8];
      throw new MigrationError(
        'protocol',
        `the peer speaks version ${theirs} of the protocol, this end ${WIRE_VERSION}`,
      );
    }
    this.prefaced = true;
    this.filled = 0;
  }

  private take(end: number): Message {
    const length = this.head.getUint32(0, true);
    const given = this.head.getUint32(12, true);
    this.words[CHECKSUM_WORD] = 0;
    if (checksum(this.words, end / 4) !== given) throw broken('a wrong checksum');
    const sequence = this.head.getUint32(8, true);
    if (sequence !== this.sequence) throw broken(`frame ${sequence} came instead of frame ${this.sequence}`);
    const message = decodeFields(this.head.getUint32(4, true), this.bytes.subarray(HEAD, HEAD + length));
    if (message === undefined) throw broken('a message with invalid fields');
    this.sequence = (this.sequence + 1) >>> 0;
    this.filled = 0;
    return message;
  }
}

function padded(length: number): number {
  return Math.ceil(length / HEAD) * HEAD;
}

function checksum(words: Int32Array, end: number): number {
  const digest = new Digest();
  digest.update(words, 0, end);
  return digest.fold();
}

function broken(what: string): MigrationError {
  return new MigrationError('protocol', `the stream is broken: ${what}`);
}
