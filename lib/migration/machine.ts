/**
 * What a migration asks of the emulator on either side. Hooks may return promises, `contents` excepted; all are called on
 * the owner's thread. A migration that is cancelled or fails waits for the hook that is under way, so one that never settles
 * keeps it from ending: give it a timeout of its own.
 */
import type { DirtyMemory } from '../dirty-memory.js';
import type { RamBlock } from '../ram/ram-block.js';

/**
 * The machine that is to leave. An error that a hook throws ends the migration with the reason `source`.
 *
 * Everything that stores into guest RAM marks what it stores, device threads too.
 */
export interface SourceMachine {
  readonly memory: DirtyMemory;
  /**
   * The block's bytes, `block.size` of them, at a multiple of 4 in their buffer. Asked for once for each block, when it
   * is first seen, and once more when it has another size; must be there, and stay attached, from the step that plugs the
   * block until the one that unplugs or resizes it. Of parts that are discarded nothing is read.
   */
  contents(block: RamBlock): Uint8Array;
  /** Stops all that stores into guest RAM: vCPUs at a quiescent state or offline, devices drained. */
  pause(): void | Promise<void>;
  /** Undoes `pause`, also one that has thrown. Not called when the other machine has been chosen. */
  resume(): void | Promise<void>;
  /** All of the machine that is not RAM. Called while it is paused, once more when RAM comes or goes meanwhile. */
  saveState(): Uint8Array | Promise<Uint8Array>;
  /**
   * Takes a share of their time from the vCPUs, from 0 to 1; `undefined` gives all back. Without this hook the engine limits
   * what they dirty to what is left of the transfer's speed (`limitDirtyRate`, whose limits are gone afterwards).
   */
  throttle?(share: number | undefined): void | Promise<void>;
}

/** Where a RAM block goes. */
export interface BlockPlace {
  readonly id: string;
  /** In bytes of ram_addr space, as on the other side. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  /** In bytes: what it may grow to, as `ram.plug` has it. No other block reaches into that room. */
  readonly maxSize: number;
}

/**
 * The machine that is to arrive. An error that a hook throws ends the migration with the reason `destination`.
 *
 * Hooks are called one at a time. `discard` is called at most once, and never after `start`.
 */
export interface DestinationMachine {
  /** In bytes. A source with another one is refused. */
  readonly pageSize: number;
  /** @returns the block's bytes, `size` of them, all zero, at a multiple of 4 in their buffer */
  plug(place: BlockPlace): Uint8Array | Promise<Uint8Array>;
  /** The source has unplugged it, or given it another size: then it is plugged anew. Its id and its place may come again. */
  unplug(id: string): void | Promise<void>;
  /** What the source's `saveState` returned. RAM is as the source left it. Whatever can fail fails here, not in `start`. */
  loadState(state: Uint8Array): void | Promise<void>;
  /** Runs the machine: it was chosen. */
  start(): void | Promise<void>;
  /** Gives up what has arrived: it will not run. */
  discard(): void | Promise<void>;
}
