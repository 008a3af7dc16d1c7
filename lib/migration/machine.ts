/**
 * The hooks by which a migration uses the emulator on either side. All hooks except `contents` may return promises.
 * They are called on the owner's thread. A migration that is cancelled or fails waits for the hook that is under way. A
 * hook that never settles would keep the migration from ending, so give such a hook a timeout of its own.
 */
import type { DirtyMemory } from '../dirty-memory.js';
import type { RamBlock } from '../ram/ram-block.js';

/**
 * The machine to send. An error that a hook throws ends the migration with the reason `source`.
 *
 * Everything that stores into guest RAM, including device threads, must mark its stores.
 */
export interface SourceMachine {
  readonly memory: DirtyMemory;
  /**
   * Returns the bytes of the block: `block.size` bytes, at a multiple of 4 in their buffer. Called once for each block,
   * when the migration first sees it, and once more when its size has changed. The bytes must exist, and their buffer
   * must stay attached, from the step that plugs the block until the step that unplugs or resizes it. Discarded parts
   * are not read.
   */
  contents(block: RamBlock): Uint8Array;
  /** Stops everything that stores into guest RAM: vCPUs at a quiescent state or offline, devices drained. */
  pause(): void | Promise<void>;
  /** Undoes `pause`, even a `pause` that has thrown. Not called when the other machine has been chosen. */
  resume(): void | Promise<void>;
  /**
   * Returns the state of the machine apart from its RAM. Called while paused, and again when RAM comes or goes
   * meanwhile.
   */
  saveState(): Uint8Array | Promise<Uint8Array>;
  /**
   * Takes a share of their time, from 0 to 1, from the vCPUs; `undefined` gives all of it back. Without this hook the
   * engine takes the share from the transfer's speed and limits the vCPUs to the rest of it by `limitDirtyRate`, which
   * replaces all limits and removes them afterwards.
   */
  throttle?(share: number | undefined): void | Promise<void>;
}

/** A RAM block to plug at the destination. */
export interface BlockPlace {
  readonly id: string;
  /** The ram_addr of its first byte, the same as at the source. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  /** In bytes: the size to which the block may grow, as for `ram.plug`. No other block overlaps that room. */
  readonly maxSize: number;
}

/**
 * The machine to receive. An error that a hook throws ends the migration with the reason `destination`.
 *
 * Hooks are called one at a time. `discard` is called at most once, and never after `start`.
 */
export interface DestinationMachine {
  /** In bytes. A source with another page size is refused. */
  readonly pageSize: number;
  /** Adds a RAM block. @returns `size` bytes, all zero, at a multiple of 4 in their buffer */
  plug(place: BlockPlace): Uint8Array | Promise<Uint8Array>;
  /**
   * Removes a RAM block that the source has unplugged or resized; after a resize the block is plugged again. Its id and
   * its place may be used again.
   */
  unplug(id: string): void | Promise<void>;
  /**
   * Loads what the source's `saveState` returned. All RAM has arrived. Anything that can fail must fail here, not in
   * `start`.
   */
  loadState(state: Uint8Array): void | Promise<void>;
  /** Starts the machine, because this machine was chosen. */
  start(): void | Promise<void>;
  /** Discards what has arrived, because this machine will not run. */
  discard(): void | Promise<void>;
}
