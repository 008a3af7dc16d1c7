/** The plan of a demonstration of live migration. */

/** The guest: its hardware, and its program. */
export interface GuestPlan {
  readonly seed: number;
  readonly vcpus: number;
  /** Pages of each DIMM. */
  readonly dimmPages: number;
  /** Pages that all vCPUs together store to in a second. */
  readonly dirtyRate: number;
}

export const PAGE = 4096;
/** Number of DIMMs that a machine begins with. */
export const FIRST_DIMMS = 4;
/** Number of places for DIMMs; those in the places after the first ones are plugged and unplugged. */
export const DIMMS = 6;

/** How the machine is migrated. */
export interface TransferPlan {
  readonly downtimeMs: number;
  /** Limit of the link in bytes per second; undefined for no limit. */
  readonly bandwidth: number | undefined;
  readonly autoConverge: boolean;
  /** Whether the migration itself verifies RAM, in addition to the judge. */
  readonly verify: boolean;
  readonly stallMs: number;
}

export interface DemoPlan {
  readonly guest: GuestPlan;
  readonly transfer: TransferPlan;
  /** Whether DIMMs are plugged and unplugged during the migration. */
  readonly hotplug: boolean;
  /** The name of the planted bug, if there is one. */
  readonly sabotage: string | undefined;
}
