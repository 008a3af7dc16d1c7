/** The options of chains, and their checks. */
import { checkBoolean, checkInteger, UsageError, wrongType } from '../base/errors.js';
import { type OptionNames, readOptions } from '../base/options.js';
import { checkSignal, checkWaitOptions, WAIT_OPTIONS, type WaitOptions } from '../base/wait.js';

/** The options of `beginChain`. The wait is for vCPUs, when the chain begins to track MIGRATION. */
export interface ChainOptions extends WaitOptions {
  /** Compress records with the platform's CompressionStream? Default false. */
  readonly compress?: boolean;
  /** The name of the chain in messages, as a user of MIGRATION. Default: 'save states'. */
  readonly name?: string;
}

/** The options of `restore`. */
export interface RestoreOptions {
  /** The `sequence` of the state to restore. Default: the last complete state. */
  readonly sequence?: number;
  /** A state with more RAM than this, in bytes, is refused. Default 2^36. */
  readonly maxRamBytes?: number;
  /** A state whose part apart from RAM is larger than this, in bytes, is refused. Default 2^28. */
  readonly maxStateBytes?: number;
  /** Rejects with the signal's reason when it aborts. */
  readonly signal?: AbortSignal;
}

/** The options of `continueChain`. */
export interface ContinueOptions extends ChainOptions, RestoreOptions {}

/** The options of a save or a compaction. */
export interface SaveOptions {
  /** Rejects with the signal's reason when it aborts. The next state then contains the pages. */
  readonly signal?: AbortSignal;
}

const CHAIN_OPTIONS: OptionNames<ChainOptions> = { compress: true, name: true, ...WAIT_OPTIONS };
const RESTORE_OPTIONS: OptionNames<RestoreOptions> = {
  ...{ sequence: true, maxRamBytes: true, maxStateBytes: true, signal: true },
};
const CONTINUE_OPTIONS: OptionNames<ContinueOptions> = { ...CHAIN_OPTIONS, ...RESTORE_OPTIONS };
const SAVE_OPTIONS: OptionNames<SaveOptions> = { signal: true };

/**
 * @returns a copy with the defaults, each option read once.
 * @throws TypeError, RangeError; UsageError where nothing compresses
 */
export function checkChainOptions(operation: string, given: ChainOptions) {
  return checkChain(operation, readOptions(operation, given, CHAIN_OPTIONS));
}

/** @returns as `checkChainOptions` */
export function checkRestoreOptions(operation: string, given: RestoreOptions) {
  return checkRestore(operation, readOptions(operation, given, RESTORE_OPTIONS));
}

/** @returns as `checkChainOptions` */
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

function checkChain(operation: string, options: ChainOptions) {
  const { compress = false, name = 'save states', timeoutMs, signal } = options;
  checkBoolean(operation, 'compress', compress);
  if (typeof name !== 'string') throw wrongType(operation, 'name', name, 'a string');
  if (compress && !('CompressionStream' in globalThis)) {
    throw new UsageError(`${operation}: there is no CompressionStream here; leave compress out`);
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
