/**
 * The classes of the engine's errors, and the functions that make the common ones. Bad values get RangeErrors; bad
 * types, and calls in the wrong state, get TypeErrors. Each message begins with the operation that the embedder has
 * called, as `plug: `, and names the value, the limit, and what to do.
 */

/** A call that the state of its object does not allow: detached, closed, offline, inside a read-side section. */
export class UsageError extends TypeError {
  override readonly name = 'UsageError';
}

/**
 * The error of calls after an unshared memory was grown. Growing detaches its buffer, and plain reads give undefined
 * from then on.
 */
export function memoryGrown(operation: string): UsageError {
  return new UsageError(
    `${operation}: the engine's memory has been grown, which took its buffer away. ` +
      'With shared: false, give create a memory that never grows, or no memory',
  );
}

/** The arena has no room for an allocation. The operation that needed it has changed nothing. */
export class ArenaFullError extends RangeError {
  override readonly name = 'ArenaFullError';
}

/**
 * The owner's page or program has no SharedArrayBuffer, so no other thread could attach. The message says what is
 * missing: browsers need a secure context and cross-origin isolation, which a page requests by two headers of its
 * response.
 */
export class NoSharedMemoryError extends Error {
  override readonly name = 'NoSharedMemoryError';

  constructor(operation: string) {
    super(
      `${operation}: there is no SharedArrayBuffer here. ${whatSharingTakes(globalThis)}; ` +
        'without it, create an engine for one thread with the option shared: false',
    );
  }
}

/** What a browser tells about a page or a worker. */
interface BrowsingContext {
  readonly isSecureContext?: boolean;
  readonly crossOriginIsolated?: boolean;
  readonly document?: unknown;
  readonly location?: { readonly origin?: string };
}

function whatSharingTakes(context: BrowsingContext): string {
  const { isSecureContext, crossOriginIsolated, document, location } = context;
  if (crossOriginIsolated === true) {
    return 'The page is cross-origin isolated, so its headers are right: this browser withholds shared memory, or its user has disabled it';
  }
  if (isSecureContext === false) {
    const origin = location?.origin === undefined ? 'This page' : `This page, of ${location.origin},`;
    return `${origin} is not a secure context, and browsers ignore the headers that ask for SharedArrayBuffer there: serve the page over https or from localhost, with ${HEADERS}`;
  }
  if (document === undefined && crossOriginIsolated === false) {
    return `This worker is not cross-origin isolated. Serve the worker and its page over https or from localhost, with ${HEADERS}`;
  }
  return `Serve the page over https or from localhost, with ${HEADERS}`;
}

const HEADERS = 'the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';

/**
 * The host refused to reserve address space for the memory of an engine. The host's error is the `cause`. Nothing was
 * changed.
 */
export class AddressSpaceError extends RangeError {
  override readonly name = 'AddressSpaceError';

  constructor(operation: string, bytes: number, cause: unknown) {
    super(
      `${operation}: the host would not reserve ${bytes} bytes of address space for the engine's memory (${messageOf(cause)}). ` +
        'Engines take less with a smaller maxRamBytes or arenaBytes, and several engines can share one memory by the ' +
        'options memory and byteOffset',
      { cause },
    );
  }
}

/** Memory was overwritten that nobody may write to, or a freed table was used. The engine can no longer be trusted. */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
}

/** A registered reader, as stall reports and timeouts show it. */
export interface ReaderReport {
  readonly name: string;
  /**
   * What `retire` takes: the thread's id, unless `attachVcpu` was given another identity. -1 (`UNKNOWN_IDENTITY`) when
   * the identity was overwritten in the arena; pass the slot to `retire` then.
   */
  readonly identity: number;
  /** Position in the reader registry, 0 to maxReaders - 1. */
  readonly slot: number;
  readonly online: boolean;
  /** Does the reader belong to the owner's thread? */
  readonly local: boolean;
}

/** A grace period did not end in time. Later waits are not affected. */
export class GracePeriodTimeout extends Error {
  override readonly name = 'GracePeriodTimeout';
  /** The readers that had not reported. */
  readonly readers: readonly ReaderReport[];

  constructor(operation: string, timeoutMs: number, readers: readonly ReaderReport[], hint?: string) {
    const because = `${operation}: no grace period has ended within ${timeoutMs} ms; waiting for ${describeReaders(readers)}`;
    super(`${because}; ${hint ?? (readers.length === 0 ? 'try again' : WHAT_READERS_DO)}`);
    this.readers = readers;
  }
}

/** For whoever is told which readers a grace period waits for. */
export const WHAT_READERS_DO =
  'a reader calls quiescent() between its stores and goes offline before it blocks; ' +
  'the reader of a thread that has ended is removed by supervise(worker) or retire(identity)';

/** In a ReaderReport. */
export const UNKNOWN_IDENTITY = -1;

export function describeReaders(readers: readonly Pick<ReaderReport, 'name' | 'identity' | 'slot'>[]): string {
  if (readers.length === 0) return 'no reader any more';
  return readers.map(describeReader).join(', ');
}

function describeReader({ name, identity, slot }: Pick<ReaderReport, 'name' | 'identity' | 'slot'>): string {
  if (identity !== UNKNOWN_IDENTITY) return `'${name}' (identity ${identity}, slot ${slot})`;
  return `'${name}' (slot ${slot}, whose identity was written over; when its thread is gone, retire({ slot: ${slot} }))`;
}

/** @returns the message of a thrown value, which may be an Error of another realm, or not an Error at all */
export function messageOf(error: unknown): string {
  try {
    const { message } = error as Partial<Error>;
    return typeof message === 'string' ? message : show(error);
  } catch {
    return show(error); // `error` is undefined or null, or its getter threw
  }
}

/** Messages show at most this many characters of a value. */
const SHOWN = 100;

export function show(value: unknown): string {
  if (typeof value === 'string') return `'${shortened(value)}'`;
  try {
    if (typeof value === 'bigint') return `${shortened(String(value))}n`;
    return shortened(
      typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value),
    );
  } catch {
    return typeof value; // the value's own code threw, or the value is a revoked proxy
  }
}

function shortened(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}...`;
}

/** @param hint more for the reader of the message, such as where the value may come from */
export function outOfRange(operation: string, what: string, value: unknown, limit: string, hint?: string): RangeError {
  return new RangeError(`${operation}: ${what} must be ${limit}, got ${show(value)}${hint ? ` (${hint})` : ''}`);
}

export function wrongType(operation: string, what: string, value: unknown, expected: string): TypeError {
  return new TypeError(`${operation}: ${what} must be ${expected}, got ${show(value)}`);
}

/** Shows an address in decimal and in hexadecimal, which memory maps and debuggers use. */
export function showAddress(addr: number): string {
  return addr >= 0 ? `${addr} (0x${addr.toString(16)})` : String(addr);
}

/**
 * The error for bytes that were expected to be RAM.
 * @param why what is wrong with the bytes, and where RAM is
 */
export function notRam(operation: string, start: number, end: number, why: string): RangeError {
  const bytes = `bytes ${showAddress(start)} to ${showAddress(end)}`;
  const meaning =
    'An address here is a ram_addr (RamBlock.offset plus the place in the block), not a guest physical address';
  return new RangeError(`${operation}: ${bytes} ${why}. ${meaning}`);
}

/** @throws TypeError if `value` is not a number, RangeError if it is not an integer from 0 to 2^53 - 1 */
export function checkAddress(operation: string, what: string, value: unknown): number {
  if (typeof value === 'number' && value < 0 && (value | 0) === value) {
    const unsigned = `negative as a 32-bit number: ${value} >>> 0 is ${showAddress(value >>> 0)}`;
    throw outOfRange(operation, what, value, `an integer from 0 to ${Number.MAX_SAFE_INTEGER}`, unsigned);
  }
  return checkInteger(operation, what, value, 0, Number.MAX_SAFE_INTEGER);
}

/** @throws TypeError if `value` is not a boolean */
export function checkBoolean(operation: string, what: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongType(operation, what, value, 'a boolean');
  return value;
}

/** @throws TypeError if `value` cannot be called */
export function checkFunction(operation: string, what: string, value: unknown): void {
  if (typeof value !== 'function') throw wrongType(operation, what, value, 'a function');
}

/** @throws TypeError unless the value is an object with these methods */
export function checkMethods(operation: string, what: string, value: unknown, methods: readonly PropertyKey[]): void {
  if (typeof value !== 'object' || value === null) throw wrongType(operation, what, value, 'an object');
  const missing = methods.find((name) => typeof (value as Record<PropertyKey, unknown>)[name] !== 'function');
  if (missing === undefined) return;
  throw wrongType(operation, what, value, `an object with the method ${String(missing)}`);
}

/** @throws TypeError if `value` is not a number, RangeError if it is not an integer from `least` to `most` */
export function checkInteger(operation: string, what: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw wrongType(operation, what, value, 'a number');
  if (!Number.isInteger(value) || value < least || value > most) {
    throw outOfRange(operation, what, value, `an integer from ${least} to ${most}`);
  }
  return value;
}

/** @throws TypeError if `value` is not a number, RangeError if it is not a power of two from `least` to `most` */
export function checkPowerOfTwo(operation: string, what: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw wrongType(operation, what, value, 'a number');
  if (!(value >= least && value <= most) || !Number.isInteger(Math.log2(value))) {
    throw outOfRange(operation, what, value, `a power of two from ${least} to ${most}`);
  }
  return value;
}

/** Passes an error of a callback to the host's handler of uncaught errors, outside the engine's current step. */
export function throwInOwnTurn(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
