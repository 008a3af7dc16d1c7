/**
 * What whoever takes a machine elsewhere, to another process or into a store, asks of the emulator. Hooks may return promises,
 * `contents` excepted; all are called on the owner's thread, one at a time. One that never settles keeps what has called it from
 * ending: give it a timeout of its own.
 */
import type { DirtyMemory } from '../dirty-memory.js';
import type { RamBlock } from '../ram/ram-block.js';

/** A machine that can be stopped, looked at, and let run on. Everything that stores into guest RAM marks what it stores, device threads too. */
export interface StoppableMachine {
  readonly memory: DirtyMemory;
  /**
   * The block's bytes, `block.size` of them, at a multiple of 4 in their buffer. They must be there, and stay attached, from the
   * step that plugs the block until the one that unplugs or resizes it. A migration asks once for each block and each size, a
   * chain of states in each save. Nothing is read of parts that are discarded.
   */
  contents(block: RamBlock): Uint8Array;
  /**
   * Stops all that stores into guest RAM: devices are drained, and vCPUs offline. For a migration it is enough that they have
   * stopped at a quiescent state.
   */
  pause(): void | Promise<void>;
  /** Undoes `pause`, also one that has thrown. After a migration it is not called when the other machine has been chosen. */
  resume(): void | Promise<void>;
  /** All of the machine that is not RAM. Called while it is paused, once more when RAM comes or goes meanwhile. */
  saveState(): Uint8Array | Promise<Uint8Array>;
}

/** Where a RAM block goes. */
export interface BlockPlace {
  readonly id: string;
  /** In bytes of ram_addr space, as it was. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  /** In bytes: what the block may grow to, as `ram.plug` has it. No other block reaches into that room. */
  readonly maxSize: number;
}

/** A machine that is put together from what was taken elsewhere. */
export interface ArrivingMachine {
  /** In bytes. What comes from a machine with another one is refused. */
  readonly pageSize: number;
  /** @returns the block's bytes, `size` of them, all zero, at a multiple of 4 in their buffer */
  plug(place: BlockPlace): Uint8Array | Promise<Uint8Array>;
  /** What `saveState` returned. RAM is as it was then. */
  loadState(state: Uint8Array): void | Promise<void>;
}
