/** The options of chains, and their checks. */
import { checkBoolean, checkInteger, UsageError, wrongType } from '../base/errors.js';
import { type OptionNames, readOptions } from '../base/options.js';
import { checkSignal, checkWaitOptions, WAIT_OPTIONS, type WaitOptions } from '../base/wait.js';

/** How a chain begins. The wait is for vCPUs, when the client is tracked. */
export interface ChainOptions extends WaitOptions {
  /** Compress what is written, by the platform's CompressionStream. Default false. */
  readonly compress?: boolean;
  /** The chain as a user of MIGRATION, for messages. Default: 'save states'. */
  readonly name?: string;
}

/** How a state is restored. */
export interface RestoreOptions {
  /** Which: its `sequence`. Default: the last that is whole. */
  readonly sequence?: number;
  /** A state with more RAM than so many bytes is refused. Default 2^36. */
  readonly maxRamBytes?: number;
  /** A state in which the rest of the machine has more bytes is refused. Default 2^28. */
  readonly maxStateBytes?: number;
  /** Gives up, with its reason. */
  readonly signal?: AbortSignal;
}

/** How a chain goes on. */
export interface ContinueOptions extends ChainOptions, RestoreOptions {}

/** How long a save, or a compaction, may take. */
export interface SaveOptions {
  /** Gives up, with its reason. The pages are in the next state. */
  readonly signal?: AbortSignal;
}

const CHAIN_OPTIONS: OptionNames<ChainOptions> = { compress: true, name: true, ...WAIT_OPTIONS };
const RESTORE_OPTIONS: OptionNames<RestoreOptions> = {
  ...{ sequence: true, maxRamBytes: true, maxStateBytes: true, signal: true },
};
const CONTINUE_OPTIONS: OptionNames<ContinueOptions> = { ...CHAIN_OPTIONS, ...RESTORE_OPTIONS };
const SAVE_OPTIONS: OptionNames<SaveOptions> = { signal: true };

/** @returns a copy with the defaults, each option read once. @throws TypeError, RangeError; UsageError where nothing compresses */
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
