/** The options of `migrate` and `receive`, and their checks. */
import { checkBoolean, checkInteger, checkMethods } from '../base/errors.js';
import { type OptionNames, readOptions } from '../base/options.js';
import { checkSignal } from '../base/wait.js';
import type { Arbiter } from './arbiter.js';

/** The options that both ends have. */
export interface LinkOptions {
  /**
   * Either both ends have one or none has. Without one, a link that is cut at the wrong moment leaves the source
   * `undecided`.
   */
  readonly arbiter?: Arbiter;
  /**
   * How many milliseconds to wait before giving up: when the peer is silent, when it does not take what is sent, when
   * the destination does not start the whole machine, when the source does not say whether the destination may start
   * it, or when a vCPU does not report. A peer that says only that it is alive is given eight times as long, so its
   * hooks must not take longer than that. Default 10,000.
   */
  readonly stallMs?: number;
  /** Cancels the migration. It has no effect once it is decided which machine runs. */
  readonly signal?: AbortSignal;
}

/** The options of `migrate`. */
export interface MigrateOptions extends LinkOptions {
  /**
   * How long the machine may be paused, in milliseconds, not counting `pause` itself and verification. With 0 the
   * machine is paused only when nothing is left to send. Default 300.
   */
  readonly downtimeMs?: number;
  /**
   * Compare digests of all RAM while the machine is paused? This adds to the downtime, in proportion to the size of
   * RAM, and must take less than `stallMs`. Default: true when RAM is no larger than 1 MiB for each millisecond of
   * `downtimeMs`.
   */
  readonly verify?: boolean;
  /**
   * Slow the vCPUs down when they dirty pages faster than pages can be sent? When they are slowed down as far as
   * possible and are still too fast, for ten rounds and for `stallMs`, the migration fails with the reason
   * `convergence`. Default true.
   */
  readonly autoConverge?: boolean;
  /**
   * The size of a cache of sent pages, by which dirty but unchanged pages are recognized and not sent again. At most 4
   * GiB; 0 for no cache. Default 16 MiB.
   */
  readonly cacheBytes?: number;
}

/** The options of `receive`. */
export interface ReceiveOptions extends LinkOptions {
  /** A source that plugs more RAM than this, in bytes, is refused. Default 2^36. */
  readonly maxRamBytes?: number;
  /** A source whose state is larger than this, in bytes, is refused. Default 2^28. */
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
