/**
 * The messages of the protocol, in one table: the fields of each message, in the order in which they are written. The
 * types and the code for writing and reading follow from the table. Reading checks only that the bytes suffice; the
 * receiver checks whether values make sense.
 */
import { LONGEST_ID } from '../../ram/ram-block.js';

/** The version of the messages below, and of the frames. */
export const WIRE_VERSION = 3;

/**
 * How many bytes of RAM, state or digests one message has at most. Also how many bytes one digest covers, except the
 * last digest of a RAM block.
 */
export const MAX_CONTENT = 2 ** 16;

/** The longest id of a RAM block in bytes of UTF-8, enough for every id that the engine allows. */
const MAX_ID_BYTES = 3 * LONGEST_ID;

/** The longest reason for giving up, in bytes of UTF-8. */
const MAX_REASON_BYTES = 256;

/** How many seals a migration may have. It has more than one only if RAM comes or goes while the machine is paused. */
export const MOST_SEALS = 64;

/** About how many differing digests a destination may ask, and how many differing ranges it may name. */
export const MOST_UNEQUAL = 16;

const FIELDS = {
  /** The first message of each side. */
  hello: { from: 'side', pageSize: 'u32', arbiter: 'flag' },

  // From the source:
  /** New RAM, with the number `block` from now on, which may grow to `maxSize`. It is all zero until `data` comes. */
  plug: { block: 'u32', offset: 'u53', size: 'u53', maxSize: 'u53', id: 'text' },
  unplug: { block: 'u32' },
  /** Contents of whole parts: pages, or 64 KiB parts of larger pages. */
  data: { block: 'u32', offset: 'u53', bytes: 'rest' },
  /** Whole parts become zero. Each must have had contents, so the source has sent as many bytes of `data` before. */
  zero: { block: 'u32', offset: 'u53', length: 'u53' },
  /** All RAM has been sent. The state and the digests follow. If more RAM comes, another seal follows later. */
  seal: { stateBytes: 'u53', verify: 'flag' },
  state: { bytes: 'rest' },
  /**
   * Digests, each of `MAX_CONTENT` bytes, from the offset on. They come in order, from the beginning of each block to
   * its end.
   */
  digests: { block: 'u32', offset: 'u53', digests: 'rest' },
  /** The answer to `inspect`: a digest of each part. */
  parts: { block: 'u32', offset: 'u53', digests: 'rest' },
  /** The whole machine has been sent. */
  end: {},
  /** The answer to `ready`, when there is no arbiter. */
  commit: {},

  // From the destination:
  /** How many bytes of the stream have been taken and handled, counted from its beginning. */
  taken: { bytes: 'u53' },
  /** The digest at this place differs from the destination's; asks for the digests of its parts. */
  inspect: { block: 'u32', offset: 'u53' },
  /** These bytes differ. Sent before `abort`. */
  differs: { block: 'u32', offset: 'u53', length: 'u53' },
  /** Sent when there is no arbiter: the machine is whole here, and asks whether it may run. */
  ready: {},
  /** The machine runs here. */
  running: {},

  // From either:
  alive: {},
  /** The sender has given up for good: it runs no machine that it has not claimed from an arbiter. */
  abort: { because: 'text' },
} as const satisfies Record<string, Record<string, Kind>>;

type Kind = 'u32' | 'u53' | 'flag' | 'side' | 'text' | 'rest';

interface Values {
  u32: number;
  u53: number;
  flag: boolean;
  side: 'source' | 'destination';
  text: string;
  rest: Uint8Array;
}

type Fields = typeof FIELDS;
export type MessageType = keyof Fields;

/** The message of one type. */
export type MessageOf<Type extends MessageType> = { readonly type: Type } & {
  readonly [Name in keyof Fields[Type]]: Fields[Type][Name] extends Kind ? Values[Fields[Type][Name]] : never;
};

/** Any message. */
export type Message = { [Type in MessageType]: MessageOf<Type> }[MessageType];

const TYPES = Object.keys(FIELDS) as MessageType[];
/** The longest field of variable length in bytes, by message; in other messages it is `MAX_CONTENT`. */
const LONGEST: Partial<Record<MessageType, number>> = { plug: MAX_ID_BYTES, abort: MAX_REASON_BYTES };
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The number of a message type in frames. */
export function codeOf(type: MessageType): number {
  return TYPES.indexOf(type) + 1;
}

/** @returns how many bytes the fields of such a message have at most; undefined when there is no such message */
export function longestFields(code: number): number | undefined {
  const type = TYPES[code - 1];
  if (type === undefined) return undefined;
  const longest = LONGEST[type] ?? MAX_CONTENT;
  return Object.values(FIELDS[type]).reduce((sum: number, kind: Kind) => sum + (SIZES[kind] || longest), 0);
}

/** Cuts the reason for giving up to the length that a message can hold. */
export function reasonOf(text: string): string {
  let cut = text.slice(0, MAX_REASON_BYTES);
  while (encoder.encode(cut).length > MAX_REASON_BYTES) cut = cut.slice(0, -1);
  return cut;
}

/**
 * Encodes the fields of a message after `head` bytes that stay zero, with zeroes after them up to a multiple of
 * `multiple`.
 * @returns the bytes, and how many bytes the fields take
 */
export function encodeFields(message: Message, head: number, multiple: number): { bytes: Uint8Array; length: number } {
  const values = message as unknown as Record<string, unknown>;
  const fields = Object.entries(FIELDS[message.type]).map(([name, kind]): [Kind, unknown, Uint8Array | undefined] => {
    return [kind, values[name], tailOf(kind, values[name])];
  });
  const length = fields.reduce((sum, [kind, , tail]) => sum + (tail?.length ?? SIZES[kind]), 0);
  const bytes = new Uint8Array(Math.ceil((head + length) / multiple) * multiple);
  const view = new DataView(bytes.buffer);
  let at = head;
  for (const [kind, value, tail] of fields) {
    if (tail === undefined) write(view, at, kind, value);
    else bytes.set(tail, at);
    at += tail?.length ?? SIZES[kind];
  }
  return { bytes, length };
}

/**
 * @param bytes exactly the fields; the result may refer to this memory
 * @returns undefined when the bytes are not the fields of such a message
 */
export function decodeFields(code: number, bytes: Uint8Array): Message | undefined {
  const type = TYPES[code - 1];
  if (type === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const message: Record<string, unknown> = { type };
  let at = 0;
  for (const [name, kind] of Object.entries(FIELDS[type]) as [string, Kind][]) {
    const size = SIZES[kind];
    if (at + size > bytes.length) return undefined;
    const end = size === 0 ? bytes.length : at + size;
    const value = read(view, bytes.subarray(at, end), kind, at);
    if (value === undefined) return undefined;
    message[name] = value;
    at = end;
  }
  return at === bytes.length ? (message as unknown as Message) : undefined;
}

/** The size of each kind of field in bytes; 0 for the rest of the message. */
const SIZES: Record<Kind, number> = { u32: 4, u53: 8, flag: 1, side: 1, text: 0, rest: 0 };

function tailOf(kind: Kind, value: unknown): Uint8Array | undefined {
  if (kind === 'text') return encoder.encode(value as string);
  return kind === 'rest' ? (value as Uint8Array) : undefined;
}

function write(view: DataView, at: number, kind: Kind, value: unknown): void {
  if (kind === 'u32') view.setUint32(at, value as number, true);
  else if (kind === 'u53') view.setBigUint64(at, BigInt(value as number), true);
  else view.setUint8(at, value === true || value === 'destination' ? 1 : 0);
}

function read(view: DataView, bytes: Uint8Array, kind: Kind, at: number): unknown {
  if (kind === 'rest') return bytes;
  if (kind === 'text') return readText(bytes);
  if (kind === 'u32') return view.getUint32(at, true);
  if (kind === 'u53') {
    const value = Number(view.getBigUint64(at, true));
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const bit = view.getUint8(at);
  if (bit > 1) return undefined;
  if (kind === 'flag') return bit === 1;
  return bit === 1 ? 'destination' : 'source';
}

function readText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined; // not UTF-8
  }
}
