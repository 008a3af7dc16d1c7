/**
 * The hooks by which migrations and save states use the emulator. All hooks except `contents` may return promises. They
 * are called on the owner's thread, one at a time. A hook that never settles would keep its caller from ending, so give
 * such a hook a timeout of its own.
 */
import type { DirtyMemory } from '../dirty-memory.js';
import type { RamBlock } from '../ram/ram-block.js';

/**
 * A machine that can be paused, copied and resumed. Everything that stores into guest RAM, including device threads,
 * must mark its stores.
 */
export interface StoppableMachine {
  readonly memory: DirtyMemory;
  /**
   * Returns the bytes of the block: `block.size` bytes, at a multiple of 4 in their buffer. They must exist, and their
   * buffer must stay attached, from the step that plugs the block until the step that unplugs or resizes it. A
   * migration calls this once for each block and each size; a chain of states calls it in each save. Discarded parts
   * are not read.
   */
  contents(block: RamBlock): Uint8Array;
  /**
   * Stops everything that stores into guest RAM: drains devices and takes vCPUs offline. For a migration it is enough
   * that the vCPUs have stopped at a quiescent state.
   */
  pause(): void | Promise<void>;
  /**
   * Undoes `pause`, even a `pause` that has thrown. A migration does not call it when the other machine has been
   * chosen.
   */
  resume(): void | Promise<void>;
  /**
   * Returns the state of the machine apart from its RAM. Called while paused, and again when RAM comes or goes
   * meanwhile.
   */
  saveState(): Uint8Array | Promise<Uint8Array>;
}

/** A RAM block to plug. */
export interface BlockPlace {
  readonly id: string;
  /** The ram_addr of its first byte, the same as in the machine it comes from. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  /** In bytes: the size to which the block may grow, as for `ram.plug`. No other block overlaps that room. */
  readonly maxSize: number;
}

/** A machine to which RAM and state from elsewhere are loaded. */
export interface ArrivingMachine {
  /** In bytes. A machine or a state with another page size is refused. */
  readonly pageSize: number;
  /** Adds a RAM block. @returns `size` bytes, all zero, at a multiple of 4 in their buffer */
  plug(place: BlockPlace): Uint8Array | Promise<Uint8Array>;
  /** Loads what `saveState` returned. All RAM has been loaded before. */
  loadState(state: Uint8Array): void | Promise<void>;
}
