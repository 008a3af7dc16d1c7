/**
 * Computes digests of a RAM block: one for each `MAX_CONTENT` bytes, or, to find differences, one for each part of
 * them. A part is a page, or 64 KiB of a larger page.
 */
import { DIGEST_BYTES, Digest } from '../../machine/digest.js';
import type { PageFlags } from '../../machine/page-flags.js';
import { MAX_CONTENT } from './message.js';

/** The bytes of a block for which digests are computed. */
export interface DigestedBytes {
  readonly bytes: Uint8Array;
  /** The size of a part in bytes. */
  readonly unit: number;
  /** Parts that count as zero. */
  readonly skipped?: PageFlags;
}

/** @returns how many digests a block of `size` bytes has */
export function digestCount(size: number): number {
  return Math.ceil(size / MAX_CONTENT);
}

/** @param start @param end in bytes from the beginning of the block, multiples of `unit` */
export function digestOf({ bytes, unit, skipped }: DigestedBytes, start: number, end: number): Uint8Array {
  const digest = new Digest();
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  if (skipped === undefined) digest.update(words, start / 4, end / 4);
  else {
    for (let at = start; at < end; at += unit) {
      if (skipped.has(at / unit)) digest.updateZeroes(unit / 4);
      else digest.update(words, at / 4, (at + unit) / 4);
    }
  }
  return digest.bytes();
}

/** @returns the digests of the parts in the `MAX_CONTENT` bytes from the offset on, one after the other */
export function digestsOfParts(block: DigestedBytes, offset: number): Uint8Array {
  const { bytes, unit } = block;
  const end = Math.min(offset + MAX_CONTENT, bytes.length);
  const digests = new Uint8Array(((end - offset) / unit) * DIGEST_BYTES);
  for (let at = offset, to = 0; at < end; at += unit, to += DIGEST_BYTES)
    digests.set(digestOf(block, at, at + unit), to);
  return digests;
}

/** How many digests a message can hold. */
export const DIGESTS_IN_MESSAGE = MAX_CONTENT / DIGEST_BYTES;
