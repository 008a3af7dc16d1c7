/** What a demonstration of live migration does. */

/** The guest: what it has, and what its program does. */
export interface GuestPlan {
  readonly seed: number;
  readonly vcpus: number;
  /** Of each of its DIMMs. */
  readonly dimmPages: number;
  /** Stores of pages a second, by all vCPUs together. */
  readonly dirtyRate: number;
}

export const PAGE = 4096;
/** DIMMs that a machine begins with. */
export const FIRST_DIMMS = 4;
/** Places of all DIMMs; those behind the first are plugged and unplugged. */
export const DIMMS = 6;

/** How it is migrated. */
export interface TransferPlan {
  readonly downtimeMs: number;
  /** Bytes a second that the link lets through; undefined: as many as it can. */
  readonly bandwidth: number | undefined;
  readonly autoConverge: boolean;
  /** By the migration itself, besides the judge. */
  readonly verify: boolean;
  readonly stallMs: number;
}

export interface DemoPlan {
  readonly guest: GuestPlan;
  readonly transfer: TransferPlan;
  /** DIMMs come and go meanwhile. */
  readonly hotplug: boolean;
  /** A planted bug's name, if any. */
  readonly sabotage: string | undefined;
}
