/** The common part of all asynchronous waits: a wake-up, a timeout or an abort ends a wait, whichever comes first. */
import { isAbortSignal } from './brands.js';
import { outOfRange, wrongType } from './errors.js';
import { onAbort } from './on-abort.js';
import { type OptionNames, readOptions } from './options.js';
import { later } from './turns.js';

/** How long a call may wait for readers. A call that times out or is aborted leaves nothing half done. */
export interface WaitOptions {
  /** Reject with a GracePeriodTimeout after this many milliseconds. Default: wait for ever. */
  readonly timeoutMs?: number;
  /** Reject with the signal's reason when it aborts. */
  readonly signal?: AbortSignal;
}

export const WAIT_OPTIONS: OptionNames<WaitOptions> = { timeoutMs: true, signal: true };

/** @returns a copy, since each option is read only once. @throws TypeError, RangeError for bad options */
export function readWaitOptions(operation: string, options: WaitOptions): WaitOptions {
  return checkWaitOptions(operation, readOptions(operation, options, WAIT_OPTIONS));
}

/**
 * @param options as `readOptions` has returned them
 * @returns `options`
 * @throws TypeError, RangeError for a bad `timeoutMs` or `signal`
 */
export function checkWaitOptions(operation: string, options: WaitOptions): WaitOptions {
  const { timeoutMs, signal } = options;
  if (timeoutMs !== undefined) {
    if (typeof timeoutMs !== 'number') throw wrongType(operation, 'timeoutMs', timeoutMs, 'a number');
    // Beyond 2^31 - 1 the host's timers would fire at once.
    if (!(timeoutMs >= 0) || (timeoutMs > 2 ** 31 - 1 && timeoutMs !== Infinity)) {
      throw outOfRange(operation, 'timeoutMs', timeoutMs, 'from 0 to 2147483647, or Infinity');
    }
  }
  checkSignal(operation, signal);
  return options;
}

/** @throws TypeError when `signal` is neither undefined nor a real AbortSignal */
export function checkSignal(operation: string, signal: unknown): void {
  if (signal === undefined || isAbortSignal(signal)) return;
  throw wrongType(operation, 'signal', signal, 'an AbortSignal, such as the signal of an AbortController');
}

/** How long to wait at most, and the error to reject with when the time is up. */
export interface WaitLimit {
  readonly options: WaitOptions;
  /**
   * When the call began, by `performance.now()`. The timeout counts from there, however long the call has waited since.
   */
  readonly since: number;
  readonly timeoutError: (timeoutMs: number) => Error;
}

/**
 * @param limit the timeout and the signal; without it the wait has no limit
 * @param register receives `wake`, which resolves the wait, and `fail`, which rejects it; returns a function that
 *   withdraws both
 */
export async function waitForWake(
  limit: WaitLimit | undefined,
  register: (wake: () => void, fail: (error: Error) => void) => () => void,
): Promise<void> {
  const { timeoutMs = Infinity, signal } = limit?.options ?? {};
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const settle = (act: () => void): void => {
      timer?.cancel();
      stopListening?.();
      withdraw();
      act();
    };
    const onTimeout = (): void => settle(() => reject(limit?.timeoutError(timeoutMs)));
    const left = timeoutMs - (performance.now() - (limit?.since ?? 0));
    const timer = timeoutMs === Infinity ? undefined : later(onTimeout, Math.max(0, left), true);
    const stopListening = signal && onAbort(signal, () => settle(() => reject(signal.reason)));
    const withdraw = register(
      () => settle(resolve),
      (error) => settle(() => reject(error)),
    );
  });
}
