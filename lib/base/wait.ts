/** The asynchronous waits' common part: a wake-up that may be beaten by a timeout or an abort. */
import { isAbortSignal } from './brands.js';
import { outOfRange, wrongType } from './errors.js';
import { onAbort } from './on-abort.js';
import { type OptionNames, readOptions } from './options.js';
import { later } from './turns.js';

/** How long a call may wait for readers. One that is given up leaves nothing half done. */
export interface WaitOptions {
  /** Reject with a GracePeriodTimeout after so many milliseconds. Default: wait for ever. */
  readonly timeoutMs?: number;
  /** Reject with the signal's reason when it aborts. */
  readonly signal?: AbortSignal;
}

export const WAIT_OPTIONS: OptionNames<WaitOptions> = { timeoutMs: true, signal: true };

/** @returns a copy: each option is read once. @throws TypeError, RangeError for what are no such options */
export function readWaitOptions(operation: string, options: WaitOptions): WaitOptions {
  return checkWaitOptions(operation, readOptions(operation, options, WAIT_OPTIONS));
}

/** Of options that were read. @returns these. @throws TypeError, RangeError for a bad `timeoutMs` or `signal` */
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

/** @throws TypeError for what cannot be listened to, also when it was made to look like a signal */
export function checkSignal(operation: string, signal: unknown): void {
  if (signal === undefined || isAbortSignal(signal)) return;
  throw wrongType(operation, 'signal', signal, 'an AbortSignal, and no imitation of one');
}

/** How long to wait at most, and the error to reject with when the time is up. */
export interface WaitLimit {
  readonly options: WaitOptions;
  /** When the call began, in `performance.now()` milliseconds: the time runs from there, whatever has been waited for since. */
  readonly since: number;
  readonly timeoutError: (timeoutMs: number) => Error;
}

/**
 * @param limit left out: wait for ever
 * @param register is handed the wake-up, and what to call instead when there is nothing to wait for any more; returns
 *   how to withdraw both
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
