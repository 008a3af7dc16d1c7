/**
 * Finds out which pages of RAM differ when digests differ at the end, so that both ends can name them. For each
 * differing digest, the destination asks for the digests of the parts, compares them, and tells the source which ranges
 * differ before it gives up.
 */

import { showId } from '../base/printable.js';
import type { DifferingDigest } from './destination/incoming-ram.js';
import { MigrationError, type UnequalRange } from './migration-error.js';
import type { OutgoingRam } from './source/outgoing-ram.js';
import type { Link } from './wire/link.js';
import { MAX_CONTENT, type MessageOf, MOST_UNEQUAL } from './wire/message.js';
import { digestsOfParts } from './wire/part-digests.js';
import type { Replies } from './wire/replies.js';

/** The message at both ends. */
const UNEQUAL = "RAM is not equal to the source's";

/**
 * The destination's side. Tells the source which ranges differ, if the link still works.
 * @returns the error with which the destination gives up
 */
export async function explainMismatch(
  link: Link,
  replies: Replies,
  differing: readonly DifferingDigest[],
): Promise<MigrationError> {
  const ranges: (UnequalRange & { readonly block: number })[] = [];
  const add = (block: DifferingDigest['block'], start: number, length: number): void => {
    const last = ranges.at(-1);
    if (last?.block === block.number && last.start + last.length === start) {
      ranges[ranges.length - 1] = { ...last, length: last.length + length };
    } else ranges.push({ block: block.number, id: block.id, start, length });
  };
  for (const { block, offset } of differing) {
    const parts = await partsThatDiffer(link, replies, { block, offset });
    const whole = parts === undefined || parts.length === 0;
    if (whole) add(block, offset, Math.min(MAX_CONTENT, block.size - offset));
    else for (const at of parts) add(block, at, block.unit);
  }
  const first = ranges.slice(0, MOST_UNEQUAL);
  if (link.failure === undefined) {
    for (const { block, start, length } of first) link.sendNow({ type: 'differs', block, offset: start, length });
  }
  return mismatch(
    'mismatch',
    UNEQUAL,
    first.map(({ id, start, length }) => ({ id, start, length })),
  );
}

/** @returns undefined when the source did not answer; an empty array when the source's RAM is equal by now */
async function partsThatDiffer(
  link: Link,
  replies: Replies,
  { block, offset }: DifferingDigest,
): Promise<number[] | undefined> {
  if (block.unit === MAX_CONTENT || link.failure !== undefined) return undefined;
  const answer = replies.expect('parts');
  link.sendNow({ type: 'inspect', block: block.number, offset });
  let digests: Uint8Array;
  try {
    ({ digests } = await link.until(answer));
  } catch {
    return undefined; // the link has failed, but the reason is still that RAM differs
  }
  return block.compareParts(offset, digests);
}

/** The source's side. */
export class MismatchAnswers {
  private readonly link: Link;
  private readonly ram: OutgoingRam;
  private readonly ranges: UnequalRange[] = [];
  private answered = 0;

  constructor(link: Link, ram: OutgoingRam) {
    this.link = link;
    this.ram = ram;
  }

  /** To be called only while the machine is paused. @throws MigrationError for an invalid question, or for too many */
  answer({ block: number, offset }: MessageOf<'inspect'>): void {
    const block = this.blockAt(number, offset, 1);
    if (offset % MAX_CONTENT !== 0 || ++this.answered > MOST_UNEQUAL) throw violation(`'inspect' at ${offset}`);
    const { unit } = this.ram;
    const digests = digestsOfParts({ bytes: block.bytes, unit, skipped: block.skipped }, offset);
    this.link.sendNow({ type: 'parts', block: number, offset, digests });
  }

  /** @throws MigrationError when the destination has named an invalid range, or too many */
  note({ block: number, offset, length }: MessageOf<'differs'>): void {
    const { block } = this.blockAt(number, offset, length);
    if (this.ranges.length === MOST_UNEQUAL) throw violation("too many 'differs'");
    this.ranges.push({ id: block.id, start: offset, length });
  }

  /** @returns the failure, with the ranges of RAM that are known to differ */
  explain(failure: MigrationError): MigrationError {
    if (this.ranges.length === 0) return failure;
    return mismatch(failure.reason, failure.message, this.ranges, failure.cause);
  }

  private blockAt(number: number, offset: number, length: number) {
    for (const known of this.ram) {
      if (known.number === number && length > 0 && offset + length <= known.size) return known;
    }
    throw violation(`bytes ${offset} to ${offset + length} of RAM block ${number}`);
  }
}

function mismatch(
  reason: MigrationError['reason'],
  what: string,
  unequal: readonly UnequalRange[],
  cause?: unknown,
): MigrationError {
  const shown = unequal.map(({ id, start, length }) => `${hex(start)} to ${hex(start + length)} of ${showId(id)}`);
  const more = unequal.length === MOST_UNEQUAL ? ', and perhaps more' : '';
  const options = { told: UNEQUAL, unequal, ...(cause === undefined ? {} : { cause }) };
  return new MigrationError(reason, `${what}: bytes ${shown.join(', ')}${more}`, options);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function violation(what: string): MigrationError {
  return new MigrationError('protocol', `protocol violation by the destination: ${what}`);
}
