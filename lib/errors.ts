/**
 * Every error the engine throws is made here. Bad values are RangeErrors, bad types and calls in the wrong state are
 * TypeErrors; each message starts with the operation and names the value and the limit.
 */

/** A call that the state of its object does not allow: detached, closed, offline, inside a read-side section. */
export class UsageError extends TypeError {
  override readonly name = 'UsageError';
}

/** The arena has no room for an allocation. Whatever needed it was rolled back whole. */
export class ArenaFullError extends RangeError {
  override readonly name = 'ArenaFullError';
}

/**
 * The owner's page or program has no SharedArrayBuffer, so no other thread could attach. In browsers it takes
 * cross-origin isolation, which two headers of the page's response ask for.
 */
export class NoSharedMemoryError extends Error {
  override readonly name = 'NoSharedMemoryError';

  constructor(operation: string) {
    super(
      `${operation}: there is no SharedArrayBuffer here. A page has it when it comes over https or from localhost with ` +
        'the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp; ' +
        'without it an engine can be of one thread, with the option shared: false',
    );
  }
}

/** Memory that nobody may write to was written to, or a freed table was used. The engine cannot be trusted any more. */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
}

/** A registered reader, as stall reports and timeouts show it. */
export interface ReaderReport {
  readonly name: string;
  /**
   * What `retire` takes: the thread's id unless `attachVcpu` was given another. `UNKNOWN_IDENTITY`, -1, when something has
   * written over it in the arena; `retire` then takes the slot.
   */
  readonly identity: number;
  /** Position in the reader registry, 0 to maxReaders - 1. */
  readonly slot: number;
  readonly online: boolean;
  /** The engine's own thread is the reader's thread. */
  readonly local: boolean;
}

/** A grace period did not end in time. The next wait works as if this one had not been. */
export class GracePeriodTimeout extends Error {
  override readonly name = 'GracePeriodTimeout';
  /** The readers that had not reported. */
  readonly readers: readonly ReaderReport[];

  constructor(operation: string, timeoutMs: number, readers: readonly ReaderReport[], hint?: string) {
    const because = `${operation}: no grace period within ${timeoutMs} ms; waiting for ${describeReaders(readers)}`;
    super(hint === undefined ? because : `${because}; ${hint}`);
    this.readers = readers;
  }
}

/** In a ReaderReport. */
export const UNKNOWN_IDENTITY = -1;

export function describeReaders(readers: readonly ReaderReport[]): string {
  if (readers.length === 0) return 'no reader any more';
  return readers.map(describeReader).join(', ');
}

function describeReader({ name, identity, slot }: ReaderReport): string {
  if (identity !== UNKNOWN_IDENTITY) return `'${name}' (identity ${identity}, slot ${slot})`;
  return `'${name}' (slot ${slot}, whose identity was written over; when its thread is gone, retire({ slot: ${slot} }))`;
}

export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  try {
    return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value);
  } catch {
    return typeof value; // its own code threw, or it is a revoked proxy
  }
}

/** @param hint what else there is to say, after the value */
export function outOfRange(operation: string, what: string, value: unknown, limit: string, hint = ''): RangeError {
  return new RangeError(`${operation}: ${what} must be ${limit}, got ${show(value)}${hint}`);
}

export function wrongType(operation: string, what: string, value: unknown, expected: string): TypeError {
  return new TypeError(`${operation}: ${what} must be ${expected}, got ${show(value)}`);
}

/** @throws TypeError if `value` is no boolean */
export function checkBoolean(operation: string, what: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongType(operation, what, value, 'a boolean');
  return value;
}

/** @throws TypeError if `value` is no number, RangeError if it is no integer from `least` to `most` */
export function checkInteger(operation: string, what: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw wrongType(operation, what, value, 'a number');
  if (!Number.isInteger(value) || value < least || value > most) {
    throw outOfRange(operation, what, value, `an integer from ${least} to ${most}`);
  }
  return value;
}

/** @throws TypeError if `value` is no number, RangeError if it is no power of two from `least` to `most` */
export function checkPowerOfTwo(operation: string, what: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw wrongType(operation, what, value, 'a number');
  if (!(value >= least && value <= most) || !Number.isInteger(Math.log2(value))) {
    throw outOfRange(operation, what, value, `a power of two from ${least} to ${most}`);
  }
  return value;
}

/** Lets an error of a callback reach the host's handler of uncaught errors, outside the engine's own step. */
export function throwInOwnTurn(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
