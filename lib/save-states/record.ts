/**
 * The encoding of records as bytes, with little-endian numbers. A chain begins with sixteen bytes: eight bytes that
 * identify the format, the version, and the page size (32 bits each). Records follow:
 *
 *     magic (32 bits) | type (32) | length of the body (32) | length of the body unpacked, or 0 when it is not packed
 *     (32) the body, padded with zeroes to a multiple of 16
 *     digest (128)
 *
 * A record's digest covers the previous digest, the head and the padded body. For the first record, the previous digest
 * is that of the chain's first sixteen bytes. So a record is valid only in its place after all records before it. A
 * body, packed or not, has at most one mebibyte, so a reader needs memory for two bodies, whatever the chain contains.
 * docs/save-states.md describes the format for other programs.
 */
import { DIGEST_BYTES, DIGEST_WORDS, Digest } from '../machine/digest.js';
import { malformed, SaveStateError } from './save-state-error.js';

export const VERSION = 1;

/** The size in bytes of the chain's beginning and of a record's head. Bodies are padded to a multiple of it. */
export const HEAD = 16;

/** The largest size of a body in bytes, unpacked or packed. */
export const MAX_BODY = 2 ** 20;

/** The largest size of a whole record in bytes. */
export const MAX_RECORD = HEAD + MAX_BODY + DIGEST_BYTES;

const CHAIN_MAGIC = new TextEncoder().encode('dmtystat');
const RECORD_MAGIC = 0x64726373; // "scrd"

/** The types of records, by what their bodies have. */
export const RecordType = {
  /** Contents of RAM. */
  ram: 1,
  /** A RAM block that the state has. */
  block: 2,
  /** A piece of the machine that is not RAM. */
  machine: 3,
  /** The state is whole. */
  end: 4,
} as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

/** What a chain begins with. */
export function prefaceOf(pageSize: number): Uint8Array {
  const bytes = new Uint8Array(HEAD);
  bytes.set(CHAIN_MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, pageSize, true);
  return bytes;
}

/**
 * @returns the page size.
 * @throws SaveStateError when no chain begins with these bytes, or a chain of another version
 */
export function readPreface(bytes: Uint8Array): number {
  if (CHAIN_MAGIC.some((byte, i) => bytes[i] !== byte)) throw malformed('it does not begin as a chain does');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new SaveStateError(
      'version',
      `the chain has version ${version} of the format; this is of version ${VERSION}`,
    );
  }
  const pageSize = view.getUint32(12, true);
  if (pageSize < 4 * DIGEST_WORDS || pageSize > 2 ** 30 || !Number.isInteger(Math.log2(pageSize))) {
    throw malformed(`pages of ${pageSize} bytes`);
  }
  return pageSize;
}

/** @returns the digest of the chain's first bytes, which the digest of the first record covers */
export function digestOfPreface(preface: Uint8Array): Uint8Array {
  const digest = new Digest();
  digest.update(new Int32Array(preface.slice().buffer), 0, HEAD / 4);
  return digest.bytes();
}

/** A record's head. */
export interface RecordHead {
  readonly type: RecordType;
  /** In bytes, of the body without its padding. */
  readonly length: number;
  /** In bytes; 0 when the body is not packed. */
  readonly unpacked: number;
}

/** @returns undefined when no record begins there */
export function readHead(view: DataView, at: number): RecordHead | undefined {
  const type = view.getUint32(at + 4, true);
  const length = view.getUint32(at + 8, true);
  const unpacked = view.getUint32(at + 12, true);
  const isKnown = view.getUint32(at, true) === RECORD_MAGIC && type >= RecordType.ram && type <= RecordType.end;
  if (!isKnown || length > MAX_BODY || unpacked > MAX_BODY) return undefined;
  return { type: type as RecordType, length, unpacked };
}

/** In bytes, with padding. */
export function recordBytes({ length }: Pick<RecordHead, 'length'>): number {
  return HEAD + padded(length) + DIGEST_BYTES;
}

/**
 * @param words memory in which a record begins at the index `from`; this index is a multiple of 4
 */
export function digestOfRecord(previous: Uint8Array, words: Int32Array, from: number, length: number): Uint8Array {
  const digest = new Digest();
  digest.update(new Int32Array(previous.buffer, previous.byteOffset, DIGEST_WORDS), 0, DIGEST_WORDS);
  digest.update(words, from, from + (HEAD + padded(length)) / 4);
  return digest.bytes();
}

/** A record that is being put together. Its body is written in its final place, behind room for the head. */
export class Draft {
  readonly type: RecordType;
  readonly buffer: ArrayBuffer;
  readonly view: DataView;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the body ends so far, in `bytes`. */
  end = HEAD;
  /** The unpacked length of the body in bytes, when the body is packed; else 0. */
  unpacked = 0;

  /** @param most the largest length of the body, in bytes */
  constructor(type: RecordType, most: number) {
    this.type = type;
    this.buffer = new ArrayBuffer(HEAD + padded(most) + DIGEST_BYTES);
    this.view = new DataView(this.buffer);
    this.bytes = new Uint8Array(this.buffer);
  }

  /** How many bytes of the body there is room for. */
  get room(): number {
    return this.bytes.length - DIGEST_BYTES - this.end;
  }

  /** The body so far. */
  get body(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(HEAD, this.end);
  }

  u32(value: number): void {
    this.view.setUint32(this.end, value, true);
    this.end += 4;
  }

  u53(value: number): void {
    this.u32(value % 2 ** 32);
    this.u32(Math.floor(value / 2 ** 32));
  }

  put(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** @returns the record, and its digest, which the digest of the next record covers */
  seal(previous: Uint8Array): { readonly bytes: Uint8Array<ArrayBuffer>; readonly digest: Uint8Array } {
    const { view } = this;
    const length = this.end - HEAD;
    for (const [i, word] of [RECORD_MAGIC, this.type, length, this.unpacked].entries())
      view.setUint32(4 * i, word, true);
    const digest = digestOfRecord(previous, new Int32Array(this.buffer), 0, length);
    const at = HEAD + padded(length);
    this.bytes.set(digest, at);
    return { bytes: this.bytes.subarray(0, at + DIGEST_BYTES), digest };
  }
}

function padded(length: number): number {
  return Math.ceil(length / HEAD) * HEAD;
}
