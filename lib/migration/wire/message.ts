/**
 * What the two ends say to each other, as one table: each message's fields in the order in which they are written.
 * The types, the writing and the reading follow from it. Whether a value makes sense is for whoever receives it to say;
 * here no more is read than there is.
 */
import { LONGEST_ID } from '../../ram/ram-block.js';

/** The version of all that is below, and of the frames. */
export const WIRE_VERSION = 3;

/** In bytes: contents of RAM, state or digests in one message, and what a digest is of, unless a RAM block ends before. */
export const MAX_CONTENT = 2 ** 16;

/** In bytes of UTF-8, of a RAM block's id: enough for each that the engine allows. */
const MAX_ID_BYTES = 3 * LONGEST_ID;

/** In bytes of UTF-8, of the reason for which an end gives up. */
const MAX_REASON_BYTES = 256;

/** How often all RAM can be over. More than once only where RAM comes or goes while the machine is paused. */
export const MOST_SEALS = 64;

/** How many digests' places a destination asks about, and how many ranges it tells of. */
export const MOST_UNEQUAL = 16;

const FIELDS = {
  /** Each side's first. */
  hello: { from: 'side', pageSize: 'u32', arbiter: 'flag' },

  // From the source:
  /** New RAM, called `block` from now on, which may grow to `maxSize`. All zero until told otherwise. */
  plug: { block: 'u32', offset: 'u53', size: 'u53', maxSize: 'u53', id: 'text' },
  unplug: { block: 'u32' },
  /** Contents of whole parts: pages, or 64 KiB of larger ones. */
  data: { block: 'u32', offset: 'u53', bytes: 'rest' },
  /** Whole parts become zero. Each has had contents, so what this takes was paid for with as many bytes of `data`. */
  zero: { block: 'u32', offset: 'u53', length: 'u53' },
  /** All RAM is over, unless more comes, and then there is a seal again. The state follows, and the digests. */
  seal: { stateBytes: 'u53', verify: 'flag' },
  state: { bytes: 'rest' },
  /** Of each `MAX_CONTENT` bytes from the offset on. In order, from each block's beginning to its end. */
  digests: { block: 'u32', offset: 'u53', digests: 'rest' },
  /** The answer to `inspect`: a digest of each part. */
  parts: { block: 'u32', offset: 'u53', digests: 'rest' },
  /** The machine is whole. */
  end: {},
  /** The answer to `ready`, where there is no arbiter. */
  commit: {},

  // From the destination:
  /** How much of the stream has been taken and dealt with, counted from its beginning. */
  taken: { bytes: 'u53' },
  /** A digest at that place was another than here: what are its parts'? */
  inspect: { block: 'u32', offset: 'u53' },
  /** These bytes are not equal. Before `abort`. */
  differs: { block: 'u32', offset: 'u53', length: 'u53' },
  /** Where there is no arbiter: the machine is whole here; may it run? */
  ready: {},
  /** The machine runs here. */
  running: {},

  // From either:
  alive: {},
  /** Whoever says this has given up for good: it runs nothing that it has not claimed of an arbiter. */
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
/** In bytes, of the field of a message that is as long as it likes. Others' are `MAX_CONTENT`. */
const LONGEST: Partial<Record<MessageType, number>> = { plug: MAX_ID_BYTES, abort: MAX_REASON_BYTES };
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A type's number, as frames have it. */
export function codeOf(type: MessageType): number {
  return TYPES.indexOf(type) + 1;
}

/** @returns how many bytes the fields of such a message are at most; undefined: there is no such message */
export function longestFields(code: number): number | undefined {
  const type = TYPES[code - 1];
  if (type === undefined) return undefined;
  const longest = LONGEST[type] ?? MAX_CONTENT;
  return Object.values(FIELDS[type]).reduce((sum: number, kind: Kind) => sum + (SIZES[kind] || longest), 0);
}

/** The reason for which an end gives up, cut to what a message takes. */
export function reasonOf(text: string): string {
  let cut = text.slice(0, MAX_REASON_BYTES);
  while (encoder.encode(cut).length > MAX_REASON_BYTES) cut = cut.slice(0, -1);
  return cut;
}

/**
 * The message's fields behind `head` bytes that are left zero, with zeroes behind them up to a multiple of `multiple` bytes.
 * @returns the bytes, and how many of them are the fields
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
 * @param bytes exactly the fields; what is returned may refer to them
 * @returns undefined when they are no fields of such a message
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

/** In bytes; 0: as many as there are. */
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
    return undefined; // no UTF-8
  }
}
