/** What the owner's flows of a run share. */
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
  /** RAM that stays, and that vCPUs hear of. */
  readonly base: RamBlock;
  /** In bytes. */
  readonly pageSize: number;
  readonly pagesPerBlock: number;
  /** End of the address space. */
  readonly maxPages: number;
  /** Whether threads are killed and stuck, and callbacks throw. Then the arena may be said to be full, too. */
  readonly faults: boolean;
  /** Whether harvests may be told that the arena is full. */
  readonly scarce: boolean;
  /** Undefined where nobody counts. */
  readonly conservation: Conservation | undefined;
}

/** Is it the error of an arena that the run says is full? Where it says no such thing there is a leak. */
export function isOfFullArena(error: unknown, isSaidToBeFull: boolean): boolean {
  return isSaidToBeFull && error instanceof ArenaFullError;
}
