/** Reads the records of a chain from its store, and checks each. */
import { Stint } from '../base/stint.js';
import { DIGEST_BYTES, sameDigest } from '../machine/digest.js';
import { unpack } from './packing.js';
import {
  digestOfRecord,
  HEAD,
  MAX_BODY,
  MAX_RECORD,
  type RecordHead,
  type RecordType,
  readHead,
  recordBytes,
} from './record.js';
import { failureOf, SaveStateError } from './save-state-error.js';
import type { StateStore } from './stores/store.js';

/** A place between two records. */
export interface ChainPlace {
  /** In bytes from the beginning of the chain. */
  readonly position: number;
  /** The digest of the record before the place. */
  readonly digest: Uint8Array;
}

/**
 * Why there is no further record: the chain ends; the next record is incomplete; or the next bytes are not its next
 * record.
 */
export type ChainEnd = 'complete' | 'cut' | 'damaged';

export class RecordReader {
  private readonly store: StateStore;
  private readonly signal: AbortSignal | undefined;
  private readonly stint = new Stint();
  private readonly buffer = new Uint8Array(2 * MAX_RECORD);
  private readonly view = new DataView(this.buffer.buffer);
  private readonly words = new Int32Array(this.buffer.buffer);
  private unpacked: Uint8Array | undefined;
  /** The part of the buffer that is still to be read. */
  private from = 0;
  private to = 0;
  private place: ChainPlace = { position: 0, digest: new Uint8Array(DIGEST_BYTES) };
  private head: RecordHead | undefined;

  constructor(store: StateStore, signal: AbortSignal | undefined) {
    this.store = store;
    this.signal = signal;
  }

  /** Reads the first bytes of the chain. @returns how many of the `HEAD` bytes the store has */
  async preface(into: Uint8Array): Promise<number> {
    return readFrom(this.store, 0, into);
  }

  /** Makes the record behind the place the next one. */
  seek(place: ChainPlace): void {
    this.place = place;
    this.from = this.to = 0;
    this.head = undefined;
  }

  /** The place behind the last record that was read. */
  get at(): ChainPlace {
    return this.place;
  }

  /**
   * Reads the next record and checks its digest.
   * @returns the record's type, or why there is no further record
   * @throws (rejects) the signal's reason; SaveStateError when the store throws
   */
  async next(): Promise<RecordType | ChainEnd> {
    await this.rest();
    if (this.head !== undefined) this.from += recordBytes(this.head);
    this.head = undefined;
    const { position, digest } = this.place;
    if (!(await this.has(HEAD))) return this.to === this.from ? 'complete' : 'cut';
    const head = readHead(this.view, this.from);
    if (head === undefined) return 'damaged';
    const bytes = recordBytes(head);
    if (!(await this.has(bytes))) return 'cut';
    const right = digestOfRecord(digest, this.words, this.from / 4, head.length);
    if (!sameDigest(right, 0, this.buffer, this.from + bytes - DIGEST_BYTES)) return 'damaged';
    this.head = head;
    this.place = { position: position + bytes, digest: right };
    return head.type;
  }

  /**
   * As `next`, for records that were read before, up to the position `end`.
   * @returns undefined at that position
   * @throws (rejects) SaveStateError when the store has other bytes by now
   */
  async again(end: number): Promise<RecordType | undefined> {
    if (this.place.position >= end) return undefined;
    const type = await this.next();
    if (typeof type === 'number') return type;
    throw new SaveStateError('store', 'the store was written to by somebody else while it was read');
  }

  /**
   * The record's body, which must be used before the next call.
   * @throws (rejects) SaveStateError when it cannot be unpacked
   */
  async body(): Promise<Uint8Array> {
    const { length, unpacked } = this.head as RecordHead;
    const body = this.buffer.subarray(this.from + HEAD, this.from + HEAD + length);
    if (unpacked === 0) return body;
    this.unpacked ??= new Uint8Array(MAX_BODY);
    return unpack(body, unpacked, this.unpacked);
  }

  /** Lets the event loop turn when that is due. @throws (rejects) the signal's reason */
  async rest(): Promise<void> {
    this.signal?.throwIfAborted();
    if (!this.stint.isOver) return;
    await this.stint.rest();
    this.signal?.throwIfAborted();
  }

  /** Makes sure that the buffer has this many more bytes. @returns false when the store has fewer */
  private async has(bytes: number): Promise<boolean> {
    if (this.to - this.from >= bytes) return true;
    this.buffer.copyWithin(0, this.from, this.to);
    this.to -= this.from;
    this.from = 0;
    const into = this.buffer.subarray(this.to);
    const count = await readFrom(this.store, this.place.position + this.to, into);
    this.to += count;
    return this.to >= bytes;
  }
}

/** @throws (rejects) SaveStateError */
async function readFrom(store: StateStore, position: number, into: Uint8Array): Promise<number> {
  let count: number;
  try {
    count = await store.read(position, into);
  } catch (error) {
    throw failureOf(error, 'store', 'read failed');
  }
  if (Number.isInteger(count) && count >= 0 && count <= into.length) return count;
  throw new SaveStateError('store', `read of ${into.length} bytes has returned ${count}`);
}
