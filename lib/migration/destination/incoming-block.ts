/** One RAM block that has arrived or is arriving: its bytes, and what is known about them. */

import { showId } from '../../base/printable.js';
import { DIGEST_BYTES, sameDigest } from '../../machine/digest.js';
import { PageFlags } from '../../machine/page-flags.js';
import { breach, MigrationError } from '../migration-error.js';
import type { Link } from '../wire/link.js';
import { MAX_CONTENT, type MessageOf, MOST_UNEQUAL } from '../wire/message.js';
import { type DigestedBytes, digestCount, digestOf, digestsOfParts } from '../wire/part-digests.js';

/** How many parts are emptied between two checks whether the event loop should get a turn. */
const EMPTIED_AT_ONCE = 16;

export class IncomingBlock implements DigestedBytes {
  readonly number: number;
  readonly id: string;
  /** In bytes of ram_addr space. */
  readonly offset: number;
  readonly size: number;
  readonly maxSize: number;
  readonly bytes: Uint8Array;
  readonly unit: number;
  /** Parts that have received contents since they were zero. Only these parts may be set to zero. */
  private readonly filled: PageFlags;
  /** Which of `digests` are up to date with the bytes. */
  private readonly known: PageFlags;
  private readonly digests: Uint8Array;
  /** How many bytes of the block have been compared by the source's digests. */
  private compared = 0;

  /** @param unit the size in bytes of a part, which is sent as a whole */
  constructor({ block, id, offset, size, maxSize }: Omit<MessageOf<'plug'>, 'type'>, bytes: Uint8Array, unit: number) {
    this.number = block;
    this.id = id;
    this.offset = offset;
    this.size = size;
    this.maxSize = maxSize;
    this.bytes = bytes;
    this.unit = unit;
    this.filled = new PageFlags(size / unit);
    this.known = new PageFlags(digestCount(size));
    this.digests = new Uint8Array(digestCount(size) * DIGEST_BYTES);
  }

  /** Have all digests of the source been compared? */
  get isCompared(): boolean {
    return this.compared === this.size;
  }

  /** Stores the contents from the offset on. */
  put(offset: number, contents: Uint8Array): void {
    this.check(offset, contents.length);
    this.bytes.set(contents, offset);
    const end = offset + contents.length;
    for (let at = offset; at < end; at += this.unit) this.filled.raise(at / this.unit);
    for (let at = offset - (offset % MAX_CONTENT); at < end; at += MAX_CONTENT) this.known.lower(at / MAX_CONTENT);
  }

  /**
   * Sets bytes to zero. Refuses parts that are zero already, so that a source cannot make this end work for nothing.
   */
  async empty(offset: number, length: number, link: Link): Promise<void> {
    this.check(offset, length);
    const { unit } = this;
    for (let at = offset, parts = 1; at < offset + length; at += unit, parts++) {
      if (!this.filled.lower(at / unit)) throw breach(`${showId(this.id)} is zero at ${at} already`);
      this.bytes.fill(0, at, at + unit);
      this.known.lower(Math.floor(at / MAX_CONTENT));
      if (parts % EMPTIED_AT_ONCE !== 0 || !link.isTiring) continue;
      await link.rest();
      this.checkAttached();
    }
  }

  /**
   * Updates the digests of bytes that have changed. The comparison with the source's digests starts again at the
   * beginning.
   */
  async takeDigests(link: Link): Promise<void> {
    this.compared = 0;
    for (let index = 0; index < digestCount(this.size); index++) {
      if (link.isTiring) await link.rest();
      if (this.known.has(index)) continue;
      this.checkAttached();
      const start = index * MAX_CONTENT;
      this.digests.set(digestOf(this, start, Math.min(start + MAX_CONTENT, this.size)), index * DIGEST_BYTES);
      this.known.raise(index);
    }
  }

  /**
   * Compares digests of the source.
   * @param offset in bytes; must be where the digests of the previous call ended
   * @param theirs the source's digests from the offset on
   * @returns the offsets at which the first differing digests begin, at most `MOST_UNEQUAL`
   */
  compare(offset: number, theirs: Uint8Array): number[] {
    const count = theirs.length / DIGEST_BYTES;
    const first = offset / MAX_CONTENT;
    if (offset !== this.compared || count === 0 || !Number.isInteger(count) || first + count > digestCount(this.size)) {
      throw breach(`${count} digests of ${showId(this.id)} from ${offset} on`);
    }
    const differing: number[] = [];
    for (let i = 0; i < count && differing.length < MOST_UNEQUAL; i++) {
      if (!sameDigest(this.digests, (first + i) * DIGEST_BYTES, theirs, i * DIGEST_BYTES)) {
        differing.push((first + i) * MAX_CONTENT);
      }
    }
    this.compared = Math.min(this.size, offset + count * MAX_CONTENT);
    return differing;
  }

  /**
   * Compares digests of parts.
   * @param theirs the source's digests of the parts from the offset on
   * @returns the offsets in bytes at which differing parts begin, in ascending order
   */
  compareParts(offset: number, theirs: Uint8Array): number[] {
    const own = digestsOfParts(this, offset);
    if (own.length !== theirs.length) throw breach(`${theirs.length} bytes of digests of parts`);
    const differing: number[] = [];
    for (let at = 0; at < own.length; at += DIGEST_BYTES) {
      if (!sameDigest(own, at, theirs, at)) differing.push(offset + (at / DIGEST_BYTES) * this.unit);
    }
    return differing;
  }

  private check(offset: number, length: number): void {
    if (length === 0 || offset + length > this.size) {
      throw breach(`bytes ${offset} to ${offset + length} of ${showId(this.id)}, which has ${this.size}`);
    }
    if (offset % this.unit !== 0 || length % this.unit !== 0) {
      throw breach(`bytes ${offset} to ${offset + length} of ${showId(this.id)}, whose parts have ${this.unit}`);
    }
    this.checkAttached();
  }

  /** Growing a memory that is not shared detaches its buffer. */
  private checkAttached(): void {
    if (this.bytes.length === this.size) return;
    throw new MigrationError('destination', `the bytes that plug(${showId(this.id)}) returned are gone`);
  }
}
