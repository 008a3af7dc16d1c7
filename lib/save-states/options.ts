/** The options of chains, and their checks. */
import { checkBoolean, checkInteger, UsageError, wrongType } from '../base/errors.js';
import { type OptionNames, readOptions } from '../base/options.js';
import { checkSignal, checkWaitOptions, WAIT_OPTIONS, type WaitOptions } from '../base/wait.js';

/** How a chain begins. `timeoutMs` and `signal` limit the wait until every vCPU marks for MIGRATION. */
export interface ChainOptions extends WaitOptions {
  /** Compress records with the platform's CompressionStream? Default false. */
  readonly compress?: boolean;
  /** The name of the chain in messages, as a user of MIGRATION. Default: 'save states'. */
  readonly name?: string;
}

/** How a new chain begins. */
export interface BeginOptions extends ChainOptions {
  /** Begin anew in a store that has something in it: the first save takes its place. Default false. */
  readonly overwrite?: boolean;
}

/** How a state is restored. */
export interface RestoreOptions {
  /** The `sequence` of the state to restore. Default: that of the last whole state. */
  readonly sequence?: number;
  /** A state with more RAM than this, in bytes, is refused. Default 2^36. */
  readonly maxRamBytes?: number;
  /** A state whose part apart from RAM is larger than this, in bytes, is refused. Default 2^28. */
  readonly maxStateBytes?: number;
  /** When the signal aborts, the restore rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The options of `continueChain`. */
export interface ContinueOptions extends ChainOptions, RestoreOptions {}

/** The options of a save or a compaction. */
export interface SaveOptions {
  /** When the signal aborts, the call rejects with the signal's reason; the pages of a save are in the next state. */
  readonly signal?: AbortSignal;
}

const CHAIN_OPTIONS: OptionNames<ChainOptions> = { compress: true, name: true, ...WAIT_OPTIONS };
const BEGIN_OPTIONS: OptionNames<BeginOptions> = { ...CHAIN_OPTIONS, overwrite: true };
const RESTORE_OPTIONS: OptionNames<RestoreOptions> = {
  ...{ sequence: true, maxRamBytes: true, maxStateBytes: true, signal: true },
};
const CONTINUE_OPTIONS: OptionNames<ContinueOptions> = { ...CHAIN_OPTIONS, ...RESTORE_OPTIONS };
const SAVE_OPTIONS: OptionNames<SaveOptions> = { signal: true };

/**
 * @returns a copy with the defaults, each option read once
 * @throws TypeError, RangeError; UsageError when `compress` is true and the host has no CompressionStream
 */
export function checkBeginOptions(operation: string, given: BeginOptions) {
  const options = readOptions(operation, given, BEGIN_OPTIONS);
  const { overwrite = false } = options;
  checkBoolean(operation, 'overwrite', overwrite);
  return { ...checkChain(operation, options), overwrite };
}

/** @returns as `checkBeginOptions` */
export function checkRestoreOptions(operation: string, given: RestoreOptions) {
  return checkRestore(operation, readOptions(operation, given, RESTORE_OPTIONS));
}

/** @returns as `checkBeginOptions` */
export function checkContinueOptions(operation: string, given: ContinueOptions) {
  const options = readOptions(operation, given, CONTINUE_OPTIONS);
  return { chain: checkChain(operation, options), restore: checkRestore(operation, options) };
}

/** @throws TypeError */
export function checkSaveOptions(operation: string, given: SaveOptions): SaveOptions {
  const options = readOptions(operation, given, SAVE_OPTIONS);
  checkSignal(operation, options.signal);
  return options;
}

export type CheckedChain = ReturnType<typeof checkChain>;
export type CheckedRestore = ReturnType<typeof checkRestore>;

function checkChain(operation: string, options: ChainOptions) {
  const { compress = false, name = 'save states', timeoutMs, signal } = options;
  checkBoolean(operation, 'compress', compress);
  if (typeof name !== 'string') throw wrongType(operation, 'name', name, 'a string');
  if (compress && !('CompressionStream' in globalThis)) {
    throw new UsageError(`${operation}: this host has no CompressionStream; leave compress out`);
  }
  const wait = { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) };
  return { compress, name, wait: checkWaitOptions(operation, wait) };
}

function checkRestore(operation: string, options: RestoreOptions) {
  const { sequence, maxRamBytes = 2 ** 36, maxStateBytes = 2 ** 28, signal } = options;
  if (sequence !== undefined) checkInteger(operation, 'sequence', sequence, 0, Number.MAX_SAFE_INTEGER);
  checkInteger(operation, 'maxRamBytes', maxRamBytes, 0, Number.MAX_SAFE_INTEGER);
  checkInteger(operation, 'maxStateBytes', maxStateBytes, 0, 2 ** 31 - 1);
  checkSignal(operation, signal);
  return { sequence, maxRamBytes, maxStateBytes, signal };
}
