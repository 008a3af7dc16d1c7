/**
 * The hooks by which a migration uses the emulator on either side. A migration that is cancelled or fails waits for
 * the hook that is under way.
 */
import type { ArrivingMachine, StoppableMachine } from '../machine/hooks.js';

/** The machine to send. An error that a hook throws ends the migration with the reason `source`. */
export interface SourceMachine extends StoppableMachine {
  /**
   * Takes a share of their time, from 0 to 1, from the vCPUs; `undefined` gives all of it back. Without this hook the
   * engine takes the share from the transfer's speed and limits the vCPUs to the rest of it by `limitDirtyRate`, which
   * replaces all limits and removes them afterwards.
   */
  throttle?(share: number | undefined): void | Promise<void>;
}

/**
 * The machine to receive. An error that a hook throws ends the migration with the reason `destination`. Anything that
 * can fail must fail in `loadState`, not in `start`.
 *
 * `discard` is called at most once, and never after `start`.
 */
export interface DestinationMachine extends ArrivingMachine {
  /**
   * Removes a RAM block that the source has unplugged or resized; after a resize the block is plugged again. Its id
   * and its place may be used again.
   */
  unplug(id: string): void | Promise<void>;
  /** Starts the machine, because this machine was chosen. */
  start(): void | Promise<void>;
  /** Discards what has arrived, because this machine will not run. */
  discard(): void | Promise<void>;
}
