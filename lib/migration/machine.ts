/**
 * What a migration asks of the emulator on either side. A migration that is cancelled or fails waits for the hook that is under
 * way.
 */
import type { ArrivingMachine, StoppableMachine } from '../machine/hooks.js';

/** The machine that is to leave. An error that a hook throws ends the migration with the reason `source`. */
export interface SourceMachine extends StoppableMachine {
  /**
   * Takes a share of their time, from 0 to 1, from the vCPUs; `undefined` gives all of it back. Without this hook the
   * engine takes the share from the transfer's speed and limits the vCPUs to the rest of it by `limitDirtyRate`, which
   * replaces all limits and removes them afterwards.
   */
  throttle?(share: number | undefined): void | Promise<void>;
}

/**
 * The machine that is to arrive. An error that a hook throws ends the migration with the reason `destination`. Whatever can fail
 * fails in `loadState`, not in `start`.
 *
 * `discard` is called at most once, and never after `start`.
 */
export interface DestinationMachine extends ArrivingMachine {
  /** The source has unplugged it, or given it another size: then it is plugged anew. Its id and its place may come again. */
  unplug(id: string): void | Promise<void>;
  /** Runs the machine: it was chosen. */
  start(): void | Promise<void>;
  /** Discards what has arrived, because this machine will not run. */
  discard(): void | Promise<void>;
}
