/** The options of both ends, and their checks. */
import { checkBoolean, checkInteger, checkMethods } from '../base/errors.js';
import { type OptionNames, readOptions } from '../base/options.js';
import { checkSignal } from '../base/wait.js';
import type { Arbiter } from './arbiter.js';

/** What both ends have. */
export interface LinkOptions {
  /** Both ends have it or neither. Without one, a link that is cut in the wrong moment leaves the source `undecided`. */
  readonly arbiter?: Arbiter;
  /**
   * Gives up when the peer is silent, stops taking what is sent, or does not start the whole machine, or does not say whether
   * it may start, for so many milliseconds; when it says only that it is alive for eight times as long, so its hooks must not
   * take longer; and when a vCPU does not report for as long. Default 10,000.
   */
  readonly stallMs?: number;
  /** Cancels. Once it is decided which machine runs it has no effect any more. */
  readonly signal?: AbortSignal;
}

/** How a machine is sent. */
export interface MigrateOptions extends LinkOptions {
  /**
   * How long the machine may stand still, in milliseconds, `pause` and verification not counted; 0: until nothing is left to
   * be sent. Default 300.
   */
  readonly downtimeMs?: number;
  /**
   * Compare digests of all RAM while the machine is paused, which takes time on top of the downtime, in proportion to it; it must
   * take less than `stallMs`. Default: when RAM is no larger than 1 MiB for each millisecond of `downtimeMs`.
   */
  readonly verify?: boolean;
  /**
   * Slow the vCPUs down when they dirty pages faster than these can be sent. When they still do with the most that can be taken
   * from them, for ten rounds and `stallMs`, the migration fails with the reason `convergence`. Default true.
   */
  readonly autoConverge?: boolean;
  /** For copies of what was sent last, by which unchanged pages are known. At most 4 GiB; default 16 MiB; 0: none. */
  readonly cacheBytes?: number;
}

/** How a machine is received. */
export interface ReceiveOptions extends LinkOptions {
  /** A source that plugs more RAM than so many bytes is refused. Default 2^36. */
  readonly maxRamBytes?: number;
  /** A source whose state is larger is refused. Default 2^28. */
  readonly maxStateBytes?: number;
}

const MOST_MS = 2 ** 31 - 1;

const LINK_OPTIONS: OptionNames<LinkOptions> = { arbiter: true, stallMs: true, signal: true };
const MIGRATE_OPTIONS: OptionNames<MigrateOptions> = {
  ...{ downtimeMs: true, verify: true, autoConverge: true, cacheBytes: true },
  ...LINK_OPTIONS,
};
const RECEIVE_OPTIONS: OptionNames<ReceiveOptions> = { maxRamBytes: true, maxStateBytes: true, ...LINK_OPTIONS };

/** @returns a copy with the defaults, each option read once. @throws TypeError, RangeError */
export function checkMigrateOptions(given: MigrateOptions) {
  const options = readOptions('migrate', given, MIGRATE_OPTIONS);
  const link = checkLinkOptions('migrate', options);
  const { downtimeMs = 300, verify, autoConverge = true, cacheBytes = 2 ** 24 } = options;
  checkInteger('migrate', 'downtimeMs', downtimeMs, 0, MOST_MS);
  checkInteger('migrate', 'cacheBytes', cacheBytes, 0, 2 ** 32);
  checkBoolean('migrate', 'autoConverge', autoConverge);
  if (verify !== undefined) checkBoolean('migrate', 'verify', verify);
  return { ...link, downtimeMs, verify, autoConverge, cacheBytes };
}

/** @returns a copy with the defaults, each option read once. @throws TypeError, RangeError */
export function checkReceiveOptions(given: ReceiveOptions) {
  const options = readOptions('receive', given, RECEIVE_OPTIONS);
  const link = checkLinkOptions('receive', options);
  const { maxRamBytes = 2 ** 36, maxStateBytes = 2 ** 28 } = options;
  checkInteger('receive', 'maxRamBytes', maxRamBytes, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('receive', 'maxStateBytes', maxStateBytes, 0, 2 ** 31 - 1);
  return { ...link, maxRamBytes, maxStateBytes };
}

export const STREAM_METHODS = ['write', 'end', 'destroy', 'on', 'off', Symbol.asyncIterator] as const;

function checkLinkOptions(operation: string, options: LinkOptions) {
  const { arbiter, stallMs = 10_000, signal } = options;
  checkInteger(operation, 'stallMs', stallMs, 1, MOST_MS);
  checkSignal(operation, signal);
  if (arbiter !== undefined) checkMethods(operation, 'arbiter', arbiter, ['claim']);
  return { arbiter, stallMs, signal };
}
