/** The objects that all flows of the owner share in a run. */
import { ArenaFullError } from '../base/errors.js';
import type { DirtyMemory } from '../dirty-memory.js';
import type { RamBlock } from '../ram/ram-block.js';
import type { Conservation } from './conservation.js';
import type { Guest } from './guest.js';
import type { RateWatch } from './rate-watch.js';
import type { Violations } from './violations.js';

export interface Scene {
  readonly memory: DirtyMemory;
  readonly guest: Guest;
  readonly violations: Violations;
  readonly rates: RateWatch;
  /** The base RAM, which is never unplugged, and which vCPUs use. */
  readonly base: RamBlock;
  /** In bytes. */
  readonly pageSize: number;
  readonly pagesPerBlock: number;
  /** End of the address space. */
  readonly maxPages: number;
  /**
   * Whether the run plants faults: threads are killed or hang, callbacks throw, and the arena may pretend to be full.
   */
  readonly faults: boolean;
  /** Whether the run pretends to harvests that the arena is full. */
  readonly scarce: boolean;
  /** Undefined when the run does not count pages. */
  readonly conservation: Conservation | undefined;
}

/**
 * @returns whether the error comes from a pretended full arena. If the run pretends nothing, a full arena means a leak.
 */
export function isOfFullArena(error: unknown, isSaidToBeFull: boolean): boolean {
  return isSaidToBeFull && error instanceof ArenaFullError;
}
