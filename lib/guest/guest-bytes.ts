/** Checks the bytes and the places that a `GuestRam` is given. */
import { isArrayBuffer, isSharedArrayBuffer } from '../base/brands.js';
import { checkAddress, checkInteger, outOfRange, UsageError, wrongType } from '../base/errors.js';

/** Bytes of guest RAM: a buffer, or a part of one. They may be shared with other threads. */
export type GuestBytes = ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** What is to be accessed with aligned accesses begins at such a multiple in its buffer. */
const ALIGNMENT = 8;

/** @returns the bytes; undefined when the value is neither a buffer nor a view of one */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return isArrayBuffer(value) || isSharedArrayBuffer(value) ? new Uint8Array(value) : undefined;
}

/** @throws TypeError; RangeError for a place that is not of whole pages; UsageError for bytes without a buffer */
export function checkGuestBytes(operation: string, offset: number, bytes: unknown, pageSize: number): Uint8Array {
  checkPlace(operation, 'offset', offset, pageSize);
  const checked = bytesOf(bytes);
  if (checked === undefined) throw wrongType(operation, 'contents', bytes, 'a buffer, or a view of one');
  checkPlace(operation, 'the size of contents', checked.length, pageSize);
  if (checked.length === 0) throw new UsageError(`${operation}: contents are empty, or their buffer is detached`);
  if (checked.byteOffset % ALIGNMENT !== 0) {
    const limit = `a multiple of ${ALIGNMENT}, for aligned accesses`;
    throw outOfRange(operation, 'the place of contents in their buffer', checked.byteOffset, limit);
  }
  checkInteger(operation, 'the end of contents', offset + checked.length, 0, Number.MAX_SAFE_INTEGER);
  return checked;
}

/** @throws TypeError, RangeError unless it is a multiple of the page size, from 0 */
export function checkPlace(operation: string, what: string, value: number, pageSize: number): void {
  checkAddress(operation, what, value);
  if (value % pageSize !== 0) throw outOfRange(operation, what, value, `a multiple of the page size, ${pageSize}`);
}
